//! What a client holds: one file for each kind of token.

mod api_key;
mod csrf;
pub(crate) mod jwt;
mod refresh;
mod session;
mod signed;
mod single_use;

pub use api_key::ApiKeyToken;
pub(crate) use api_key::{check_prefix, text_of};
pub use csrf::CsrfToken;
pub(crate) use refresh::RefreshParts;
pub use refresh::RefreshToken;
pub use session::SessionToken;
pub(crate) use session::{Parts, TokenText, core_of, group_of, is_equal, is_same_text};
pub(crate) use signed::{sign_value, unsign_value};
pub use single_use::SingleUseToken;
