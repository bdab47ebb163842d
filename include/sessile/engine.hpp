/* The engine itself; include sessile.hpp. */

#ifndef SESSILE_ENGINE_HPP
#define SESSILE_ENGINE_HPP

#include <sessile.hpp>

namespace sessile {

/** One open store with its caches and keys. */
class engine {
public:
    explicit engine(const config &config) {
        detail::call call;
        sessile_engine *opened = nullptr;
        call.check(sessile_open(config.c(), &opened, call));
        raw_.reset(opened);
    }
    /** Another reference to the same engine, for another owner. */
    engine share() const noexcept { return engine(sessile_engine_retain(raw_.get())); }
    /** Closes the store for all owners. A destructor does so with the last, and logs errors. */
    void close() {
        detail::call call;
        call.check(sessile_close(raw_.release(), call));
    }
    const sessile_engine *c() const noexcept { return raw_.get(); }

    [[nodiscard]] session verify(std::string_view token) const {
        return answer(sessile_verify, token);
    }
    [[nodiscard]] session peek(std::string_view token) const { return answer(sessile_peek, token); }
    [[nodiscard]] session verify_cookie_header(std::string_view header) const {
        return answer(sessile_verify_cookie_header, header);
    }
    [[nodiscard]] session peek_cookie_header(std::string_view header) const {
        return answer(sessile_peek_cookie_header, header);
    }
    [[nodiscard]] session verify_authorization_header(std::string_view header) const {
        return answer(sessile_verify_authorization_header, header);
    }
    result<session> try_verify(std::string_view token) const noexcept {
        return try_answer(sessile_verify, token);
    }
    result<session> try_peek(std::string_view token) const noexcept {
        return try_answer(sessile_peek, token);
    }
    result<session> try_verify_cookie_header(std::string_view header) const noexcept {
        return try_answer(sessile_verify_cookie_header, header);
    }
    result<session> try_peek_cookie_header(std::string_view header) const noexcept {
        return try_answer(sessile_peek_cookie_header, header);
    }
    result<session> try_verify_authorization_header(std::string_view header) const noexcept {
        return try_answer(sessile_verify_authorization_header, header);
    }

    issued create(const create_options &options = {}) const {
        sessile_create_options raw = SESSILE_CREATE_OPTIONS_INIT;
        detail::put(raw.subject, raw.subject_len, options.subject);
        detail::put(raw.retire, raw.retire_len, options.retire);
        detail::put(raw.device_label, raw.device_label_len, options.device_label);
        detail::put(raw.amr, raw.amr_len, options.amr);
        detail::put(raw.acr, raw.acr_len, options.acr);
        detail::put(raw.client, raw.client_len, options.client);
        detail::put(raw.scopes, raw.scopes_len, options.scopes);
        detail::put(raw.audiences, raw.audiences_len, options.audiences);
        raw.idle_timeout_ms = detail::ms(options.idle_timeout);
        raw.absolute_lifetime_ms = detail::ms(options.absolute_lifetime);
        raw.not_before_ms = options.not_before ? detail::ms(*options.not_before) : 0;
        raw.is_refreshable = options.is_refreshable;
        detail::call call;
        issued made;
        call.check(sessile_create(c(), &raw, made.session.c(), made.tokens.c(), call));
        return made;
    }
    issued rotate(const handle &from, const rotate_options &options = {}) const {
        sessile_rotate_options raw = SESSILE_ROTATE_OPTIONS_INIT;
        detail::put(raw.subject, raw.subject_len, options.subject);
        detail::put(raw.device_label, raw.device_label_len, options.device_label);
        detail::put(raw.amr, raw.amr_len, options.amr);
        detail::put(raw.acr, raw.acr_len, options.acr);
        raw.is_authenticated = options.is_authenticated;
        raw.idle_timeout_ms = detail::ms(options.idle_timeout);
        raw.absolute_lifetime_ms = detail::ms(options.absolute_lifetime);
        raw.has_grace = options.grace.has_value();
        raw.grace_ms = detail::ms(options.grace.value_or(duration{}));
        detail::call call;
        issued made;
        call.check(
            sessile_rotate(c(), from.c(), &raw, made.session.c(), made.tokens.c(), call));
        return made;
    }

    /** Whether it was valid until now. */
    bool revoke(const handle &session) const { return ended(sessile_revoke, session); }
    void revoke_subject(std::string_view subject) const { revoke_all_but(subject, nullptr); }
    void revoke_subject(std::string_view subject, const handle &except) const {
        revoke_all_but(subject, except.c());
    }
    void revoke_all() const {
        detail::call call;
        call.check(sessile_revoke_all(c(), call));
    }
    void revoke_presented(std::string_view token) const {
        detail::call call;
        call.check(sessile_revoke_presented(c(), token.data(), token.size(), call));
    }
    /** Without `until`: until reinstated. */
    void suspend(std::string_view subject, std::optional<time_point> until = {}) const {
        detail::call call;
        std::uint64_t until_ms = until ? detail::ms(*until) : 0;
        call.check(sessile_suspend(c(), subject.data(), subject.size(), until_ms, call));
    }
    void reinstate(std::string_view subject) const {
        detail::call call;
        call.check(sessile_reinstate(c(), subject.data(), subject.size(), call));
    }
    std::uint64_t bump_claims(std::string_view subject) const {
        detail::call call;
        std::uint64_t version = 0;
        call.check(sessile_bump_claims(c(), subject.data(), subject.size(), &version, call));
        return version;
    }
    std::size_t count(std::string_view subject) const {
        detail::call call;
        std::size_t count = 0;
        call.check(sessile_count(c(), subject.data(), subject.size(), &count, call));
        return count;
    }
    list<session_info> list_sessions(std::string_view subject) const {
        return listed<session_info>(sessile_list_sessions, subject.data(), subject.size());
    }

    /** Each goes into a `Set-Cookie` header of its own, as of the next two. */
    std::vector<std::string> set_cookies(const issued &made) const {
        return detail::cookies([&](char *to, std::size_t cap, std::size_t *len, auto &call) {
            return sessile_set_cookies(c(), made.session.c(), made.tokens.c(), to, cap, len, call);
        });
    }
    std::vector<std::string> renew_cookies(std::string_view header) const {
        return detail::cookies([&](char *to, std::size_t cap, std::size_t *len, auto &call) {
            return sessile_renew_cookies(c(), header.data(), header.size(), to, cap, len, call);
        });
    }
    std::vector<std::string> clear_cookies() const {
        return detail::cookies([&](char *to, std::size_t cap, std::size_t *len, auto &call) {
            return sessile_clear_cookies(c(), to, cap, len, call);
        });
    }
    std::string csrf_token(const handle &session) const {
        return detail::token([&](char *to, std::size_t cap, auto &call) {
            return sessile_csrf_token(c(), session.c(), to, cap, call);
        });
    }
    [[nodiscard]] bool is_csrf_token(const handle &session, std::string_view presented) const {
        detail::call call;
        std::int32_t is_token = 0;
        call.check(sessile_is_csrf_token(c(), session.c(), presented.data(), presented.size(),
                                         &is_token, call));
        return is_token == 1;
    }

    /** All changes together or none. */
    void patch(const handle &session, const std::vector<change> &changes) const {
        std::vector<sessile_change> raw;
        for (const change &change : changes) {
            sessile_change &one = raw.emplace_back();
            one.name = change.name.data();
            one.name_len = change.name.size();
            if (change.value) {
                // A value of no bytes is a value, so it is not to be NULL.
                one.value = change.value->empty() ? "" : change.value->data();
                one.value_len = change.value->size();
            }
        }
        detail::call call;
        call.check(sessile_data_patch(c(), session.c(), raw.data(), raw.size(), call));
    }
    std::optional<bytes> data(const handle &session, std::string_view name) const {
        detail::call call;
        sessile_bytes *value = nullptr;
        call.check(
            sessile_data_get(c(), session.c(), name.data(), name.size(), &value, call));
        return value == nullptr ? std::nullopt : std::make_optional<bytes>(value);
    }
    list<data_entry> list_data(const handle &session) const {
        return listed<data_entry>(sessile_data_list, session.c());
    }

    access_token issue_access(const handle &session, const access_options &options = {}) const {
        sessile_access_options raw = SESSILE_ACCESS_OPTIONS_INIT;
        detail::put(raw.audiences, raw.audiences_len, options.audiences);
        detail::put(raw.client, raw.client_len, options.client);
        detail::put(raw.scopes, raw.scopes_len, options.scopes);
        detail::put(raw.claims_json, raw.claims_json_len, options.claims_json);
        raw.lifetime_ms = detail::ms(options.lifetime);
        detail::call call;
        sessile_bytes *token = nullptr;
        std::uint64_t deadline_ms = 0;
        call.check(sessile_issue_access(c(), session.c(), &raw, &token, &deadline_ms, call));
        return {bytes(token), detail::at(deadline_ms)};
    }
    [[nodiscard]] access_verdict verify_access(std::string_view token) const {
        detail::call call;
        access_verdict verdict;
        sessile_bytes *claims = nullptr;
        call.check(sessile_verify_access(c(), token.data(), token.size(), verdict.session.c(),
                                         &claims, call));
        verdict.claims_json = bytes(claims);
        return verdict;
    }
    bool deny_access(std::string_view token) const {
        detail::call call;
        std::int32_t was_good = 0;
        call.check(sessile_deny_access(c(), token.data(), token.size(), &was_good, call));
        return was_good == 1;
    }
    bytes introspect(std::string_view token) const {
        return made(sessile_introspect, token.data(), token.size());
    }
    refreshed refresh(std::string_view token, const refresh_request &request = {}) const {
        sessile_refresh_request raw = SESSILE_REFRESH_REQUEST_INIT;
        detail::put(raw.client, raw.client_len, request.client);
        detail::put(raw.scopes, raw.scopes_len, request.scopes);
        detail::put(raw.audiences, raw.audiences_len, request.audiences);
        detail::call call;
        refreshed made;
        call.check(sessile_refresh(c(), token.data(), token.size(), &raw, made.session_.c(),
                                   &made.raw_, call));
        return made;
    }
    void confirm_refresh(const handle &session, std::uint32_t generation) const {
        detail::call call;
        call.check(sessile_confirm_refresh(c(), session.c(), generation, call));
    }

    made_token issue_single_use(const single_use_options &options) const {
        sessile_single_use_options raw = SESSILE_SINGLE_USE_OPTIONS_INIT;
        detail::put(raw.purpose, raw.purpose_len, options.purpose);
        detail::put(raw.subject, raw.subject_len, options.subject);
        detail::put(raw.payload, raw.payload_len, options.payload);
        raw.lifetime_ms = detail::ms(options.lifetime);
        raw.is_superseding = options.is_superseding;
        sessile_handle handle = {};
        std::uint64_t deadline_ms = 0;
        std::string token = detail::token([&](char *to, std::size_t cap, auto &call) {
            return sessile_issue_single_use(c(), &raw, to, cap, &handle, &deadline_ms, call);
        });
        return {std::move(token), handle, detail::at(deadline_ms)};
    }
    [[nodiscard]] single_use peek_single_use(std::string_view purpose,
                                             std::string_view token) const {
        return used(sessile_peek_single_use, purpose, token);
    }
    [[nodiscard]] single_use consume(std::string_view purpose, std::string_view token) const {
        return used(sessile_consume, purpose, token);
    }
    void bind_single_use(const handle &used, const handle &session) const {
        detail::call call;
        call.check(sessile_bind_single_use(c(), used.c(), session.c(), call));
    }
    bool revoke_single_use(const handle &token) const {
        return ended(sessile_revoke_single_use, token);
    }

    made_token create_api_key(const api_key_options &options) const {
        sessile_api_key_options raw = SESSILE_API_KEY_OPTIONS_INIT;
        detail::put(raw.subject, raw.subject_len, options.subject);
        detail::put(raw.name, raw.name_len, options.name);
        detail::put(raw.scopes, raw.scopes_len, options.scopes);
        raw.lifetime_ms = detail::ms(options.lifetime);
        raw.is_outliving_sessions = options.is_outliving_sessions;
        sessile_handle handle = {};
        std::string token = detail::token([&](char *to, std::size_t cap, auto &call) {
            return sessile_create_api_key(c(), &raw, to, cap, &handle, call);
        });
        return {std::move(token), handle, {}};
    }
    [[nodiscard]] api_key verify_api_key(std::string_view token) const {
        detail::call call;
        api_key key;
        sessile_bytes *scopes = nullptr;
        call.check(
            sessile_verify_api_key(c(), token.data(), token.size(), &key.raw_, &scopes, call));
        key.scopes_ = bytes(scopes);
        return key;
    }
    list<api_key> list_api_keys(std::string_view subject) const {
        return listed<api_key>(sessile_list_api_keys, subject.data(), subject.size());
    }
    bool revoke_api_key(const handle &key) const { return ended(sessile_revoke_api_key, key); }

    bytes sign(std::string_view purpose, std::string_view payload) const {
        return made(sessile_sign, purpose.data(), purpose.size(), payload.data(), payload.size());
    }
    [[nodiscard]] unsigned_value unsign(std::string_view purpose, std::string_view signed_text,
                                        duration max_age) const {
        detail::call call;
        unsigned_value value;
        sessile_bytes *payload = nullptr;
        std::uint64_t signed_at_ms = 0;
        call.check(sessile_unsign(c(), purpose.data(), purpose.size(), signed_text.data(),
                                  signed_text.size(), detail::ms(max_age), &value.reason, &payload,
                                  &signed_at_ms, call));
        value.payload = bytes(payload);
        value.signed_at = detail::at(signed_at_ms);
        return value;
    }

    list<key_info> list_keys() const { return listed<key_info>(sessile_list_keys); }
    std::uint8_t publish_key() const { return new_key(sessile_publish_key); }
    std::uint8_t rotate_key() const { return new_key(sessile_rotate_key); }
    std::uint8_t import_key(std::string_view pem) const {
        detail::call call;
        std::uint8_t id = 0;
        call.check(sessile_import_key(c(), pem.data(), pem.size(), &id, call));
        return id;
    }
    void activate_key(std::uint8_t id) const {
        detail::call call;
        call.check(sessile_activate_key(c(), id, call));
    }
    void retire_key(std::uint8_t id) const {
        detail::call call;
        call.check(sessile_retire_key(c(), id, call));
    }
    bytes jwks() const { return made(sessile_jwks); }

    sessile_stats stats() const {
        detail::call call;
        sessile_stats stats = SESSILE_STATS_INIT;
        call.check(sessile_stats_read(c(), &stats, call));
        return stats;
    }
    sessile_tick_report tick() const {
        detail::call call;
        sessile_tick_report report = SESSILE_TICK_REPORT_INIT;
        call.check(sessile_tick(c(), &report, call));
        return report;
    }
    events subscribe() const {
        detail::call call;
        sessile_events *raw = nullptr;
        call.check(sessile_subscribe(c(), &raw, call));
        return events(raw);
    }
    /** Calls `callback(const sessile_event &)` with every event from now on. */
    template <class F> void on_event(F &&callback) const {
        using kept = std::decay_t<F>;
        auto tell = [](void *userdata, const sessile_event *event) noexcept {
            (*static_cast<kept *>(userdata))(*event);
        };
        detail::call call;
        call.check(sessile_on_event(c(), tell, detail::keep(std::forward<F>(callback)),
                                    detail::destroy<kept>, call));
    }
    sessile::watch watch(const handle &session) const {
        detail::call call;
        sessile_watch *raw = nullptr;
        call.check(
            sessile_watch_session(c(), session.c(), nullptr, nullptr, nullptr, &raw, call));
        return sessile::watch(raw);
    }
    /** Calls `callback(std::int32_t reason)` once, when the session ends. */
    template <class F> sessile::watch watch(const handle &session, F &&callback) const {
        using kept = std::decay_t<F>;
        auto tell = [](void *userdata, std::int32_t reason) noexcept {
            (*static_cast<kept *>(userdata))(reason);
        };
        detail::call call;
        sessile_watch *raw = nullptr;
        call.check(sessile_watch_session(c(), session.c(), tell,
                                         detail::keep(std::forward<F>(callback)),
                                         detail::destroy<kept>, &raw, call));
        return sessile::watch(raw);
    }
    /** Calls `write(std::string_view)` with the export, piece by piece. */
    template <class F> void export_to(F &&write) const {
        using guard = detail::guarded<std::remove_reference_t<F>>;
        guard guarded{write, nullptr};
        auto tell = [](void *userdata, const char *data, std::size_t len) noexcept {
            return static_cast<guard *>(userdata)->run(
                [&](auto &write) { write(std::string_view(data, len)); });
        };
        detail::call call;
        guarded.check(call, sessile_export(c(), tell, &guarded, call));
    }
    void export_to_fd(int fd) const {
        detail::call call;
        call.check(sessile_export_to_fd(c(), fd, call));
    }
    /** Fills an empty store by `read(char *data, std::size_t cap)`, which returns how many bytes
     *  it gave, 0 at the end. `restored` is one of SESSILE_RESTORED_... */
    template <class F>
    static engine restore(const config &config, F &&read, std::int32_t restored) {
        using guard = detail::guarded<std::remove_reference_t<F>>;
        guard guarded{read, nullptr};
        auto take = [](void *userdata, char *data, std::size_t cap, std::size_t *len) noexcept {
            return static_cast<guard *>(userdata)->run(
                [&](auto &read) { *len = read(data, cap); });
        };
        detail::call call;
        sessile_engine *raw = nullptr;
        guarded.check(call, sessile_restore(config.c(), take, &guarded, restored, &raw, call));
        return engine(raw);
    }
    static engine restore_from_fd(const config &config, int fd, std::int32_t restored) {
        detail::call call;
        sessile_engine *raw = nullptr;
        call.check(sessile_restore_from_fd(config.c(), fd, restored, &raw, call));
        return engine(raw);
    }

private:
    using verifier = std::int32_t (*)(const sessile_engine *, const char *, std::size_t,
                                      sessile_session *, sessile_error *);

    explicit engine(sessile_engine *raw) noexcept : raw_(raw) {}

    session answer(verifier verify, std::string_view text) const {
        detail::call call;
        session session;
        call.check(verify(c(), text.data(), text.size(), session.c(), call));
        return session;
    }
    result<session> try_answer(verifier verify, std::string_view text) const noexcept {
        detail::call call;
        session session;
        if (verify(c(), text.data(), text.size(), session.c(), call) != SESSILE_OK) {
            return call.failure();
        }
        return session;
    }
    template <class Use>
    single_use used(Use use, std::string_view purpose, std::string_view token) const {
        detail::call call;
        single_use made;
        sessile_bytes *payload = nullptr;
        call.check(use(c(), purpose.data(), purpose.size(), token.data(), token.size(), &made.raw_,
                       &payload, call));
        made.payload_ = bytes(payload);
        return made;
    }
    template <class Revoke> bool ended(Revoke revoke, const handle &of) const {
        detail::call call;
        std::int32_t was_good = 0;
        call.check(revoke(c(), of.c(), &was_good, call));
        return was_good == 1;
    }
    void revoke_all_but(std::string_view subject, const sessile_handle *except) const {
        detail::call call;
        call.check(sessile_revoke_subject(c(), subject.data(), subject.size(), except, call));
    }
    template <class Item, class Ask, class... Arguments>
    list<Item> listed(Ask ask, Arguments... arguments) const {
        detail::call call;
        sessile_list *raw = nullptr;
        call.check(ask(c(), arguments..., &raw, call));
        return list<Item>(raw);
    }
    template <class Make, class... Arguments> bytes made(Make make, Arguments... arguments) const {
        detail::call call;
        sessile_bytes *raw = nullptr;
        call.check(make(c(), arguments..., &raw, call));
        return bytes(raw);
    }
    template <class Make> std::uint8_t new_key(Make make) const {
        detail::call call;
        std::uint8_t id = 0;
        call.check(make(c(), &id, call));
        return id;
    }
    detail::owned<sessile_engine, sessile_engine_release> raw_;
};

/** The token in an `Authorization: Bearer` header, as a part of it. */
inline std::optional<std::string_view> bearer_token(std::string_view header) {
    detail::call call;
    const char *token = nullptr;
    std::size_t len = 0;
    call.check(sessile_bearer_token(header.data(), header.size(), &token, &len, call));
    return token == nullptr ? std::nullopt : std::make_optional<std::string_view>(token, len);
}

/** Calls `callback(std::int32_t level, std::string_view line)` with the log of the process. */
template <class F> void log_to(F &&callback, std::int32_t level) {
    using kept = std::decay_t<F>;
    auto tell = [](void *userdata, std::int32_t level, const char *text,
                   std::size_t len) noexcept {
        (*static_cast<kept *>(userdata))(level, std::string_view(text, len));
    };
    detail::call call;
    call.check(sessile_log_to(tell, detail::keep(std::forward<F>(callback)),
                              detail::destroy<kept>, level, call));
}

/** Ends what log_to began. */
inline void log_off() {
    detail::call call;
    call.check(sessile_log_to(nullptr, nullptr, nullptr, SESSILE_LOG_ERROR, call));
}

} // namespace sessile

#endif
