// Tokens and keys as a C++ program meets them.

#include <sessile.hpp>

#include "check.hpp"

using namespace std::chrono_literals;

namespace {

sessile::time_point now{1700000000000ms};

sessile::config manual() {
    sessile::config config = sessile::config::in_memory();
    config.clock([] { return now; }).no_threads();
    config.access_tokens("https://a", "https://b").access_lifetime(1min).access_algorithm("ES256");
    config.api_key_prefix("acme");
    return config;
}

sessile::issued log_in(const sessile::engine &engine) {
    sessile::create_options options;
    options.subject = "alice";
    options.is_refreshable = true;
    options.client = "app";
    options.scopes = "read write";
    return engine.create(options);
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

void access_tokens_stand_and_fall_with_the_session() {
    sessile::engine engine(manual());
    sessile::issued made = log_in(engine);
    sessile::access_options options;
    options.claims_json = R"({"roles":["admin"]})";
    sessile::access_token access = engine.issue_access(made.session.handle(), options);
    CHECK(access.deadline > now + 50s && access.deadline <= now + 1min);
    sessile::access_verdict verdict = engine.verify_access(access.token);
    CHECK(verdict && verdict.session.subject() == "alice");
    CHECK(contains(verdict.claims_json, R"("roles":["admin"])"));
    CHECK(contains(engine.introspect(access.token), R"("active":true)"));
    CHECK(contains(engine.jwks(), "P-256"));
    CHECK(engine.deny_access(access.token) && !engine.deny_access(access.token));
    verdict = engine.verify_access(access.token);
    CHECK(!verdict && verdict.session.reason() == SESSILE_REASON_DENIED);
    CHECK(verdict.claims_json.size() == 0);
    options.claims_json = "[1]";
    CHECK_THROWS(engine.issue_access(made.session.handle(), options), SESSILE_ERR_INVALID_INPUT);
}

void a_refresh_token_used_twice_ends_the_session() {
    sessile::engine engine(manual());
    sessile::issued made = log_in(engine);
    std::string token(made.tokens.refresh());
    CHECK(engine.refresh(token).session().reason() == SESSILE_REASON_WRONG_CLIENT);
    sessile::refresh_request request;
    request.client = "app";
    request.scopes = "read";
    sessile::refreshed first = engine.refresh(token, request);
    CHECK(first && first.generation() == 1 && !first.is_replay() && first.scopes() == "read");
    CHECK(engine.verify_access(first.access_token()));
    CHECK(first.audiences().empty() && first.access_deadline() > now);
    sessile::refreshed again = engine.refresh(token, request);
    CHECK(again.is_replay() && again.refresh_token() == first.refresh_token());
    first = std::move(again);
    CHECK(first && again.refresh_token().empty() && again.access_token().empty());
    sessile::refreshed kept = std::move(first);
    CHECK(kept.scopes() == "read" && first.scopes().empty() && first.refresh_token().empty());
    first = std::move(kept);
    engine.confirm_refresh(first.session().handle(), first.generation());
    now += 10s;
    sessile::refreshed stolen = engine.refresh(token, request);
    CHECK(!stolen && stolen.session().reason() == SESSILE_REASON_REUSED);
    CHECK(!engine.verify(made.tokens.session()));
}

void a_single_use_token_is_used_once() {
    sessile::engine engine(manual());
    sessile::issued made = log_in(engine);
    sessile::single_use_options options;
    options.purpose = "reset";
    options.subject = "alice";
    options.payload = "a payload";
    options.lifetime = 5min;
    sessile::made_token reset = engine.issue_single_use(options);
    CHECK(reset.deadline == now + 5min && !reset.token.empty());
    CHECK(engine.peek_single_use("reset", reset.token));
    CHECK(engine.consume("other", reset.token).reason() == SESSILE_REASON_WRONG_PURPOSE);
    sessile::single_use used = engine.consume("reset", reset.token);
    CHECK(used && used.subject() == "alice" && used.payload() == "a payload");
    CHECK(used.handle() == reset.handle && used.created() == now && used.deadline() > now);
    engine.bind_single_use(used.handle(), made.session.handle());
    CHECK(engine.consume("reset", reset.token).reason() == SESSILE_REASON_REUSED);
    CHECK(!engine.verify(made.tokens.session()));
    reset = engine.issue_single_use(options);
    CHECK(engine.revoke_single_use(reset.handle) && !engine.revoke_single_use(reset.handle));
}

void api_keys_are_made_listed_and_revoked() {
    sessile::engine engine(manual());
    sessile::api_key_options options;
    options.subject = "alice";
    options.name = "ci";
    options.scopes = "deploy";
    sessile::made_token made = engine.create_api_key(options);
    CHECK(made.token.rfind("acme_", 0) == 0);
    sessile::api_key key = engine.verify_api_key(made.token);
    CHECK(key && key.subject() == "alice" && key.name() == "ci" && key.scopes() == "deploy");
    CHECK(key.handle() == made.handle && key.uses_this_minute() == 1 && key.created() == now);
    CHECK(key.deadline() == sessile::time_point() && key.last_used() == now);
    sessile::list<sessile::api_key> keys = engine.list_api_keys("alice");
    CHECK(keys.size() == 1 && keys[0].name() == "ci" && keys[0].scopes() == "deploy");
    CHECK(engine.revoke_api_key(made.handle));
    CHECK(!engine.revoke_api_key(made.handle));
    CHECK(engine.verify_api_key(made.token).reason() == SESSILE_REASON_DENIED);
}

void values_are_signed_and_read_back() {
    sessile::engine engine(manual());
    sessile::bytes text = engine.sign("link", "file 7");
    sessile::unsigned_value value = engine.unsign("link", text, 1min);
    CHECK(value && value.payload.view() == "file 7" && value.signed_at == now);
    CHECK(!sessile::unsigned_value());
    CHECK(engine.unsign("other", text, 1min).reason != SESSILE_VALID);
    now += 1min;
    value = engine.unsign("link", text, 1min);
    CHECK(!value && value.reason == SESSILE_REASON_EXPIRED && value.payload.size() == 0);
}

void keys_go_through_their_states() {
    sessile::engine engine(manual());
    std::uint8_t published = engine.publish_key();
    sessile::list<sessile::key_info> keys = engine.list_keys();
    sessile::key_info last = keys[keys.size() - 1];
    CHECK(last.id == published && last.state == SESSILE_KEY_PUBLISHED && last.since == now);
    engine.activate_key(published);
    CHECK_THROWS(engine.retire_key(published), SESSILE_ERR_INVALID_INPUT);
    CHECK_THROWS(engine.activate_key(200), SESSILE_ERR_NO_SUCH_KEY);
    CHECK(engine.rotate_key() != published);
    engine.retire_key(published);
    CHECK_THROWS(engine.import_key("no key"), SESSILE_ERR_INVALID_INPUT);
    CHECK(engine.stats().store == std::string_view("memory"));
}

} // namespace

int main() {
    access_tokens_stand_and_fall_with_the_session();
    a_refresh_token_used_twice_ends_the_session();
    a_single_use_token_is_used_once();
    api_keys_are_made_listed_and_revoked();
    values_are_signed_and_read_back();
    keys_go_through_their_states();
}
