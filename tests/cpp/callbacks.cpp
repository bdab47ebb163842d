// Callables that the library keeps and calls: who owns them, and what becomes of exceptions.

#include <sessile.hpp>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <unistd.h>

#include "check.hpp"

using namespace std::chrono_literals;

namespace {

sessile::config quiet() {
    sessile::config config = sessile::config::in_memory();
    config.no_threads().master_secret("k7QxV2mB9rTzL4wN8sYpD3hJ6cFgA1eU5iOb0KqX");
    return config;
}

void events_come_one_by_one() {
    sessile::engine engine(quiet());
    sessile::events events = engine.subscribe();
    CHECK(events.fd() >= 0 && !events.next());
    sessile::issued made = engine.create();
    std::optional<sessile_event> event = events.next();
    CHECK(event && event->kind == SESSILE_EVENT_CREATED);
    CHECK(sessile::handle(event->handle) == made.session.handle() && !events.next());
}

void a_callable_is_owned_until_it_is_not_needed() {
    auto owned = std::make_shared<int>(0);
    std::weak_ptr<int> left = owned;
    sessile::engine engine(quiet());
    engine.on_event([owned](const sessile_event &) { ++*owned; });
    engine.create();
    engine.tick();
    CHECK(*owned == 1);
    owned.reset();
    CHECK(!left.expired());
    engine.close();
    CHECK(left.expired());
    // A call that fails gives the callable up, too.
    owned = std::make_shared<int>(0);
    left = owned;
    CHECK_THROWS(engine.on_event([owned = std::move(owned)](const sessile_event &) {}),
                 SESSILE_ERR_INVALID_INPUT);
    CHECK(left.expired());
}

void a_watch_tells_of_the_end() {
    sessile::engine engine(quiet());
    sessile::issued made = engine.create();
    std::int32_t told = 0;
    sessile::watch silent = engine.watch(made.session.handle());
    sessile::watch watch =
        engine.watch(made.session.handle(), [&told](std::int32_t reason) { told = reason; });
    CHECK(!silent.ended() && told == 0);
    engine.revoke(made.session.handle());
    CHECK(told == SESSILE_REASON_REVOKED_SESSION && silent.ended(1h) == told);
}

void the_log_and_the_clock_are_the_programs() {
    sessile::time_point now{1700000000000ms};
    int lines = 0;
    sessile::log_to(
        [&lines](std::int32_t, std::string_view line) {
            lines += line.find("clock") != std::string_view::npos;
        },
        SESSILE_LOG_WARNING);
    sessile::config config = quiet();
    config.clock([&now] { return now; });
    {
        sessile::engine engine(config);
        sessile::issued made = engine.create();
        CHECK(made.session.created() == now);
        now += 30min;
        CHECK(engine.peek(made.tokens.session()).reason() == SESSILE_REASON_IDLE_EXPIRED);
        now -= 1h;
        engine.tick();
    }
    CHECK(lines == 1);
    sessile::log_off();
    CHECK_THROWS(sessile::log_to([](std::int32_t, std::string_view) {}, 99),
                 SESSILE_ERR_INVALID_INPUT);
}

void an_export_is_restored() {
    sessile::engine engine(quiet());
    sessile::issued made = engine.create();
    std::string exported;
    engine.export_to([&exported](std::string_view piece) { exported.append(piece); });
    CHECK(exported.size() > 100);
    std::size_t at = 0;
    auto read = [&exported, &at](char *to, std::size_t cap) {
        std::size_t len = exported.copy(to, cap, at);
        at += len;
        return len;
    };
    sessile::engine other = sessile::engine::restore(quiet(), read, SESSILE_RESTORED_VALID);
    CHECK(other.verify(made.tokens.session()));

    std::FILE *file = std::tmpfile();
    CHECK(file != nullptr);
    engine.export_to_fd(fileno(file));
    CHECK(lseek(fileno(file), 0, SEEK_SET) == 0);
    other = sessile::engine::restore_from_fd(quiet(), fileno(file), SESSILE_RESTORED_REVOKED);
    CHECK(other.verify(made.tokens.session()).reason() == SESSILE_REASON_REVOKED_ALL);
    std::fclose(file);
}

void what_an_export_throws_comes_out() {
    sessile::engine engine(quiet());
    engine.create();
    int caught = 0;
    try {
        engine.export_to([](std::string_view) { throw std::runtime_error("full"); });
    } catch (const std::runtime_error &thrown) {
        caught += std::string_view(thrown.what()) == "full";
    }
    auto read = [](char *, std::size_t) -> std::size_t { throw std::runtime_error("torn"); };
    try {
        sessile::engine::restore(quiet(), read, SESSILE_RESTORED_VALID);
    } catch (const std::runtime_error &thrown) {
        caught += std::string_view(thrown.what()) == "torn";
    }
    CHECK(caught == 2);
}

void every_setting_is_taken(const char *directory) {
    setenv("CPP_TEST_SECRET", "q8ZxV2mB9rTzL4wN8sYpD3hJ6cFgA1eU5iOb0KqX", 1);
    sessile::config config(directory);
    config.idle_timeout(10min).absolute_lifetime(1h).rotate_every(5min).rotation_grace(5s);
    config.refresh_grace(5s).expiring_soon(30s).tick_every(100ms).data_len_max_bytes(1024);
    config.cache_len_max_bytes(1 << 20).store_cache_len_max_bytes(32 << 20);
    config.max_sessions_per_subject(2, SESSILE_AT_LIMIT_REFUSE).buffered_create().trust_clock();
    config.accept_rollback().master_secret_env("CPP_TEST_SECRET");
    config.cookie_name("__Secure-id").cookie_companion_name("__Secure-left").cookie_path("/app");
    config.cookie_domain("example.org").cookie_same_site(SESSILE_SAME_SITE_STRICT);
    config.cookie_partitioned(true).cookie_max_age(1h);
    sessile::engine engine(config);
    sessile::create_options options;
    options.subject = "alice";
    engine.create(options);
    sessile::issued made = engine.create(options);
    CHECK_THROWS(engine.create(options), SESSILE_ERR_TOO_MANY_SESSIONS);
    CHECK(made.session.idle_deadline() - made.session.created() == 10min);
    CHECK(made.session.absolute_deadline() - made.session.created() == 1h);
    std::string cookie = engine.set_cookies(made).at(0);
    for (const char *part : {"__Secure-id=", "Path=/app", "Domain=example.org", "Secure",
                             "SameSite=Strict", "Partitioned", "Max-Age=3600"}) {
        CHECK(cookie.find(part) != std::string::npos);
    }
    sessile::config second(directory);
    second.key_file("/nowhere/at/all").require_power_loss_safety();
    CHECK_THROWS(sessile::engine(second), SESSILE_ERR_LOCKED);
    engine.close();
    CHECK_THROWS(sessile::engine(second), SESSILE_ERR_KEY_FILE);
}

} // namespace

int main(int argc, char **argv) {
    CHECK(argc == 2);
    events_come_one_by_one();
    a_callable_is_owned_until_it_is_not_needed();
    a_watch_tells_of_the_end();
    the_log_and_the_clock_are_the_programs();
    an_export_is_restored();
    what_an_export_throws_comes_out();
    every_setting_is_taken(argv[1]);
}
