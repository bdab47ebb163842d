//! What several of the integration tests share.
