//! What a device is called in the list.

/// A label such as "Firefox on Linux" for a `User-Agent` header. A guess for people to go by:
/// the header is whatever the client likes to send.
pub(crate) fn label(user_agent: &str) -> String {
    let first = |table: &[(&str, &'static str)]| {
        table.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (first(BROWSERS), first(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

// The order matters: nearly all claim to be Safari, and many to be Chrome.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

// An iPhone claims to be like Mac OS X, and Android is a Linux.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_that_claim_to_be_others_are_told_apart() {
        let cases = [
            ("Firefox on Linux", "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("Chrome on Linux", "(X11; Linux x86_64) HeadlessChrome/140.0 Safari/537.36"),
            ("Edge on Windows", "(Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0"),
            ("Safari on iPhone", "(iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"),
            ("Safari on macOS", "(Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605.1.15"),
            ("Chrome on Android", "(Linux; Android 15; K) Chrome/140.0 Mobile Safari/537.36"),
            ("curl", "curl/8.5.0"),
            ("Unknown device", ""),
        ];
        for (expected, user_agent) in cases {
            assert_eq!(label(user_agent), expected, "{user_agent}");
        }
    }
}
