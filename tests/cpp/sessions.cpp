// Sessions as a C++ program meets them: ownership, both styles of errors, devices, cookies, data.

#include <sessile.hpp>

#include <algorithm>
#include <type_traits>

#include "check.hpp"

using namespace std::chrono_literals;
using sessile::handle;

namespace {

sessile::time_point now{1700000000000ms};

sessile::config manual() {
    sessile::config config = sessile::config::in_memory();
    config.clock([] { return now; }).no_threads().cookie_name("sid").cookie_secure(false);
    return config;
}

sessile::issued log_in(const sessile::engine &engine, std::string_view device) {
    sessile::create_options options;
    options.subject = "alice";
    options.device_label = device;
    options.amr = "pwd otp";
    return engine.create(options);
}

template <class T> constexpr bool is_move_only() {
    return std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>
        && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
}

static_assert(is_move_only<sessile::config>() && is_move_only<sessile::engine>());
static_assert(is_move_only<sessile::events>() && is_move_only<sessile::watch>());
static_assert(is_move_only<sessile::bytes>() && is_move_only<sessile::tokens>());
static_assert(is_move_only<sessile::refreshed>());
static_assert(is_move_only<sessile::list<sessile::session_info>>());
static_assert(!std::is_convertible_v<sessile::session, bool>);
static_assert(noexcept(std::declval<sessile::engine &>().try_verify("")));

void a_verdict_is_true_when_it_is_valid() {
    sessile::engine engine(manual());
    sessile::issued phone = log_in(engine, "Phone");
    CHECK(!sessile::session());
    CHECK(sessile::session().reason() == SESSILE_REASON_UNANSWERED);
    sessile::session seen = engine.verify(phone.tokens.session());
    CHECK(seen && seen.subject() == "alice" && seen.handle() == phone.session.handle());
    CHECK(seen.created() == now && seen.idle_deadline() == now + 30min);
    CHECK(seen.absolute_deadline() == now + 12h && seen.is_authenticated_within(1ms));
    CHECK(!seen.is_authenticated_within(0ms) && !seen.is_rotation_due());
    CHECK(engine.peek(phone.tokens.session()));
    CHECK(engine.revoke(seen.handle()) && !engine.revoke(seen.handle()));
    seen = engine.verify(phone.tokens.session());
    CHECK(!seen && seen.reason() == SESSILE_REASON_REVOKED_SESSION && seen.subject().empty());
    CHECK(std::string_view(seen.reason_name()) == "revoked_session");
    CHECK(!seen.is_authenticated_within(24h));
    CHECK(engine.verify({}).reason() == SESSILE_REASON_MALFORMED);
}

void a_failure_throws_or_is_returned() {
    sessile::engine engine(manual());
    sessile::engine other = engine.share();
    sessile::issued made = engine.create();
    sessile::result<sessile::session> verdict = other.try_verify(made.tokens.session());
    CHECK(verdict.is_ok() && verdict.get() && !verdict.failure() && verdict.value());
    verdict = other.try_verify("x");
    CHECK(verdict.is_ok() && !verdict.value());
    engine.close();
    verdict = other.try_peek(made.tokens.session());
    CHECK(!verdict.is_ok() && !verdict.get() && verdict.failure()->code() == SESSILE_ERR_CLOSED);
    CHECK(std::string_view(verdict.failure()->name()) == "closed");
    CHECK_THROWS(verdict.value(), SESSILE_ERR_CLOSED);
    CHECK_THROWS(other.verify(made.tokens.session()), SESSILE_ERR_CLOSED);
    // What was moved from or closed is no engine, and says so instead of crashing.
    CHECK_THROWS(engine.verify(""), SESSILE_ERR_INVALID_INPUT);
    CHECK(!engine.try_verify("").is_ok());
    CHECK_THROWS(handle::parse("nonsense"), SESSILE_ERR_INVALID_INPUT);
    sessile::config config = manual();
    config.idle_timeout(-1ms);
    CHECK_THROWS(sessile::engine(config), SESSILE_ERR_INVALID_CONFIG);
}

void headers_are_read() {
    sessile::engine engine(manual());
    sessile::issued made = log_in(engine, "Phone");
    std::string token(made.tokens.session());
    CHECK(engine.verify_cookie_header("a=b; sid=" + token));
    CHECK(engine.peek_cookie_header("sid=" + token));
    CHECK(engine.try_verify_cookie_header("sid=" + token).value());
    CHECK(engine.try_peek_cookie_header("sid=" + token).value());
    CHECK(engine.verify_cookie_header({}).reason() == SESSILE_REASON_ABSENT);
    CHECK(engine.verify_authorization_header("Bearer " + token));
    CHECK(engine.try_verify_authorization_header("Bearer " + token).value());
    std::string header = "Bearer abc";
    CHECK(sessile::bearer_token(header) == "abc");
    CHECK(!sessile::bearer_token("Basic abc"));
}

void devices_are_listed_and_signed_out() {
    sessile::engine engine(manual());
    sessile::issued phone = log_in(engine, "Phone");
    now += 1s;
    sessile::issued laptop = log_in(engine, "Laptop");
    sessile::list<sessile::session_info> devices = engine.list_sessions("alice");
    CHECK(devices.size() == 2 && engine.count("alice") == 2);
    CHECK(engine.list_sessions("bob").empty());
    CHECK_THROWS(devices[2], SESSILE_ERR_INVALID_INPUT);
    std::string labels;
    for (const sessile::session_info &device : devices) {
        labels.append(device.device_label()).append(",");
        CHECK(device.amr() == "pwd otp" && device.acr().empty());
    }
    CHECK(labels == "Laptop,Phone,");
    CHECK(devices[0].handle() == laptop.session.handle());
    CHECK(handle::parse(devices[0].handle().text()) == laptop.session.handle());
    CHECK(devices[0].handle() != devices[1].handle());
    engine.revoke_subject("alice", laptop.session.handle());
    CHECK(!engine.verify(phone.tokens.session()) && engine.verify(laptop.tokens.session()));
    engine.suspend("alice", now + 1h);
    CHECK(engine.verify(laptop.tokens.session()).reason() == SESSILE_REASON_SUSPENDED);
    CHECK_THROWS(log_in(engine, "Tablet"), SESSILE_ERR_SUSPENDED);
    engine.reinstate("alice");
    CHECK(engine.bump_claims("alice") > 0);
    CHECK(engine.verify(laptop.tokens.session()).are_claims_stale());
    engine.revoke_subject("alice");
    CHECK(engine.verify(laptop.tokens.session()).reason() == SESSILE_REASON_REVOKED_SUBJECT);
    sessile::issued last = log_in(engine, "Phone");
    engine.revoke_presented(last.tokens.session());
    CHECK(!engine.verify(last.tokens.session()));
    last = engine.create();
    engine.revoke_all();
    CHECK(engine.verify(last.tokens.session()).reason() == SESSILE_REASON_REVOKED_ALL);
}

void cookies_are_texts() {
    sessile::engine engine(manual());
    sessile::issued made = log_in(engine, "Phone");
    std::string token(made.tokens.session());
    std::vector<std::string> cookies = engine.set_cookies(made);
    CHECK(cookies.size() == 2 && cookies[0].rfind("sid=" + token + ";", 0) == 0);
    CHECK(cookies[1].rfind("sid-left=", 0) == 0);
    CHECK(engine.renew_cookies("sid=" + token).size() == 1);
    CHECK(engine.clear_cookies().size() == 2);
    std::string csrf = engine.csrf_token(made.session.handle());
    CHECK(engine.is_csrf_token(made.session.handle(), csrf));
    CHECK(!engine.is_csrf_token(handle(), csrf));
    // As long as a path can make them, and longer than the first buffer.
    sessile::config config = manual();
    std::string path = "/" + std::string(900, 'p');
    config.cookie_path(path);
    sessile::engine wide(config);
    CHECK(wide.set_cookies(wide.create()).at(0).find(path) != std::string::npos);
}

void data_stay_through_a_login() {
    sessile::engine engine(manual());
    sessile::issued visit = engine.create();
    engine.patch(visit.session.handle(), {{"cart", "\1\2"}, {"empty", ""}, {"gone", "x"}});
    sessile::rotate_options options;
    options.subject = "alice";
    options.grace = 0ms;
    sessile::issued login = engine.rotate(visit.session.handle(), options);
    CHECK(login.session && login.session.subject() == "alice");
    CHECK(!engine.verify(visit.tokens.session()));
    handle here = login.session.handle();
    engine.patch(here, {{"gone", {}}});
    CHECK(engine.data(here, "cart")->view() == "\1\2");
    CHECK(engine.data(here, "empty") && engine.data(here, "empty")->size() == 0);
    CHECK(!engine.data(here, "gone"));
    sessile::list<sessile::data_entry> all = engine.list_data(here);
    CHECK(all.size() == 2 && all[0].name == "cart" && all[1].value.empty());
    CHECK_THROWS(engine.data(visit.session.handle(), "cart"), SESSILE_ERR_SESSION_GONE);
}

void what_was_moved_from_owns_nothing() {
    sessile::engine first(manual());
    sessile::issued made = first.create();
    std::string token(made.tokens.session());
    sessile::tokens kept = std::move(made.tokens);
    CHECK(kept.session() == token && made.tokens.session().empty());
    made.tokens = std::move(kept);
    CHECK(made.tokens.session() == token && kept.session().empty());
    sessile::engine second = std::move(first);
    CHECK(second.verify(token));
    second = sessile::engine(manual());
    CHECK(!second.verify(token));
}

} // namespace

int main() {
    CHECK(sessile::version_number() == SESSILE_VERSION_NUMBER);
    CHECK(sessile::version() == std::string_view(SESSILE_VERSION));
    CHECK(sessile::token_max() == SESSILE_TOKEN_MAX);
    CHECK(sessile::status_name(SESSILE_OK) == std::string_view("ok"));
    CHECK(sessile::reason_name(SESSILE_REASON_EXPIRED) == std::string_view("expired"));
    a_verdict_is_true_when_it_is_valid();
    a_failure_throws_or_is_returned();
    headers_are_read();
    devices_are_listed_and_signed_out();
    cookies_are_texts();
    data_stay_through_a_login();
    what_was_moved_from_owns_nothing();
}
