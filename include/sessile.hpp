/*
 * sessile.hpp: sessile.h for C++17 and later, with nothing to compile or link beside it.
 *
 * What each function does, promises and refuses stands in sessile.h at the function of the same
 * name; this file adds ownership, types and exceptions.
 *
 * Ownership. Handles are move-only and give up what they own in their destructors. A string_view
 * that goes in is read during the call; one that comes out lives as long as the object it is from.
 *
 * Errors. A call that fails throws sessile::error. The verifications of the hot path have a twin
 * with try_ before its name, which is noexcept and returns a result. That a token is not valid is
 * no error: a session, api_key or single_use is true when it is valid, and has a reason().
 *
 * Callbacks. Those of engines, watches, the log and the clock must not throw: std::terminate. Those
 * of export_to and restore may: what they throw comes out of the call.
 *
 * Threads. An engine may be used from any thread at the same time, other objects by one at a time.
 */

#ifndef SESSILE_HPP
#define SESSILE_HPP

#include <sessile/values.hpp>

#include <initializer_list>
#include <new>
#include <type_traits>
#include <vector>

namespace sessile {

namespace detail {

/** Puts a callable where the library keeps it, until it calls destroy<F>. */
template <class F> std::decay_t<F> *keep(F &&callable) {
    return new std::decay_t<F>(std::forward<F>(callable));
}

/** A callable that is called in this thread, and what it threw. */
template <class F> struct guarded {
    F &callable;
    std::exception_ptr thrown;

    template <class Call> std::int32_t run(Call call) noexcept {
        try {
            call(callable);
            return 0;
        } catch (...) {
            thrown = std::current_exception();
            return 1;
        }
    }
    /** Throws what the callable threw, or else the call's own error. */
    void check(const call &call, std::int32_t status) const {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        call.check(status);
    }
};

/** The values of a buffer of cookies. `fill` is given buffer, size and where the length goes. */
template <class Fill> std::vector<std::string> cookies(Fill fill) {
    call call;
    std::size_t len = 0;
    std::vector<char> buffer(512);
    std::int32_t status = fill(buffer.data(), buffer.size(), &len, call);
    if (status == SESSILE_ERR_BUFFER_TOO_SMALL) {
        buffer.resize(SESSILE_COOKIES_MAX);
        status = fill(buffer.data(), buffer.size(), &len, call);
    }
    call.check(status);
    std::vector<std::string> values;
    for (const char *at = buffer.data(); *at != '\0'; at += std::strlen(at) + 1) {
        values.emplace_back(at);
    }
    wipe(buffer.data(), buffer.size());
    return values;
}

/** A token that `fill` writes into the buffer it is given. */
template <class Fill> std::string token(Fill fill) {
    call call;
    char text[SESSILE_TOKEN_MAX] = {0};
    call.check(fill(text, sizeof text, call));
    std::string made(text);
    wipe(text, sizeof text);
    return made;
}

} // namespace detail

/**
 * Settings of an engine. A setter that refuses its argument makes the opening fail with the same.
 */
class config {
public:
    explicit config(std::string_view directory)
        : config(sessile_config_new(directory.data(), directory.size())) {}
    static config in_memory() { return config(sessile_config_new_in_memory()); }

    config &idle_timeout(duration time) { return set(sessile_config_idle_timeout_ms, time); }
    config &absolute_lifetime(duration time) {
        return set(sessile_config_absolute_lifetime_ms, time);
    }
    config &rotate_every(duration time) { return set(sessile_config_rotate_every_ms, time); }
    config &rotation_grace(duration time) { return set(sessile_config_rotation_grace_ms, time); }
    config &refresh_grace(duration time) { return set(sessile_config_refresh_grace_ms, time); }
    config &expiring_soon(duration time) { return set(sessile_config_expiring_soon_ms, time); }
    config &tick_every(duration time) { return set(sessile_config_tick_every_ms, time); }
    config &data_len_max_bytes(std::size_t len) {
        return set(sessile_config_data_len_max_bytes, len);
    }
    config &cache_len_max_bytes(std::size_t len) {
        return set(sessile_config_cache_len_max_bytes, len);
    }
    config &store_cache_len_max_bytes(std::size_t len) {
        return set(sessile_config_store_cache_len_max_bytes, len);
    }
    /** `at_limit` is one of SESSILE_AT_LIMIT_... */
    config &max_sessions_per_subject(std::size_t max, std::int32_t at_limit) {
        return set(sessile_config_max_sessions_per_subject, max, at_limit);
    }
    config &buffered_create() { return set(sessile_config_buffered_create); }
    config &no_threads() { return set(sessile_config_no_threads); }
    config &trust_clock() { return set(sessile_config_trust_clock); }
    config &require_power_loss_safety() { return set(sessile_config_require_power_loss_safety); }
    config &accept_rollback() { return set(sessile_config_accept_rollback); }
    config &master_secret(std::string_view secret) {
        return set(sessile_config_master_secret, secret);
    }
    config &master_secret_env(std::string_view name) {
        return set(sessile_config_master_secret_env, name);
    }
    config &key_file(std::string_view path) { return set(sessile_config_key_file, path); }
    config &api_key_prefix(std::string_view prefix) {
        return set(sessile_config_api_key_prefix, prefix);
    }
    config &access_tokens(std::string_view issuer, std::string_view audience) {
        return set(sessile_config_access_tokens, issuer.data(), issuer.size(), audience);
    }
    config &access_lifetime(duration time) { return set(sessile_config_access_lifetime_ms, time); }
    config &access_algorithm(std::string_view name) {
        return set(sessile_config_access_algorithm, name);
    }
    config &cookie_name(std::string_view name) { return set(sessile_config_cookie_name, name); }
    config &cookie_companion_name(std::string_view name) {
        return set(sessile_config_cookie_companion_name, name);
    }
    config &cookie_path(std::string_view path) { return set(sessile_config_cookie_path, path); }
    config &cookie_domain(std::string_view name) { return set(sessile_config_cookie_domain, name); }
    config &cookie_secure(bool is_secure) { return set(sessile_config_cookie_secure, is_secure); }
    /** One of SESSILE_SAME_SITE_... */
    config &cookie_same_site(std::int32_t same_site) {
        return set(sessile_config_cookie_same_site, same_site);
    }
    config &cookie_partitioned(bool is_partitioned) {
        return set(sessile_config_cookie_partitioned, is_partitioned);
    }
    config &cookie_max_age(std::chrono::seconds age) {
        return set(sessile_config_cookie_max_age_s, static_cast<std::uint64_t>(age.count()));
    }
    /** Takes the time from `now`, called without arguments from any thread, several at once. */
    template <class F> config &clock(F &&now) {
        using kept = std::decay_t<F>;
        auto read = [](void *userdata) noexcept -> std::uint64_t {
            time_point now = (*static_cast<kept *>(userdata))();
            return detail::ms(now);
        };
        return set(sessile_config_clock, read, detail::keep(std::forward<F>(now)),
                   detail::destroy<kept>);
    }
    const sessile_config *c() const noexcept { return raw_.get(); }

private:
    explicit config(sessile_config *raw) : raw_(raw) {
        if (raw == nullptr) {
            throw std::bad_alloc();
        }
    }
    template <class... Wanted, class... Given>
    config &set(std::int32_t (*setter)(sessile_config *, Wanted...), Given... given) {
        detail::ignore(setter(raw_.get(), given...));
        return *this;
    }
    config &set(std::int32_t (*setter)(sessile_config *, std::uint64_t), duration time) {
        return set(setter, detail::ms(time));
    }
    config &set(std::int32_t (*setter)(sessile_config *, const char *, std::size_t),
                std::string_view text) {
        return set(setter, text.data(), text.size());
    }
    config &set(std::int32_t (*setter)(sessile_config *, const char *, std::size_t, const char *,
                                       std::size_t),
                const char *first, std::size_t first_len, std::string_view second) {
        return set(setter, first, first_len, second.data(), second.size());
    }
    detail::owned<sessile_config, sessile_config_free> raw_;
};

/** The events of an engine, waiting to be taken. */
class events {
public:
    explicit events(sessile_events *raw) noexcept : raw_(raw) {}
    /** The next event, if one comes in time. */
    std::optional<sessile_event> next(duration timeout = {}) {
        detail::call call;
        sessile_event event = SESSILE_EVENT_INIT;
        call.check(sessile_events_next(raw_.get(), detail::ms(timeout), &event, call));
        if (event.kind == SESSILE_EVENT_NONE) {
            return std::nullopt;
        }
        return event;
    }
    /** Readable while there are events. */
    int fd() const noexcept { return sessile_events_fd(raw_.get()); }

private:
    detail::owned<sessile_events, sessile_events_free> raw_;
};

/** Ends when its session does. */
class watch {
public:
    explicit watch(sessile_watch *raw) noexcept : raw_(raw) {}
    /** Why the session ended, one of SESSILE_REASON_..., if it does in time. */
    std::optional<std::int32_t> ended(duration timeout = {}) const {
        detail::call call;
        std::int32_t reason = SESSILE_VALID;
        call.check(sessile_watch_ended(raw_.get(), detail::ms(timeout), &reason, call));
        return reason == SESSILE_VALID ? std::nullopt : std::make_optional(reason);
    }

private:
    detail::owned<sessile_watch, sessile_watch_free> raw_;
};

} // namespace sessile

#include <sessile/engine.hpp>

#endif
