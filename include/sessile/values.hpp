/* The values that go into an engine and come out of it; include sessile.hpp. */

#ifndef SESSILE_VALUES_HPP
#define SESSILE_VALUES_HPP

#include <sessile.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sessile {

using duration = std::chrono::milliseconds;
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/** What went wrong. It never holds a token, a key or session data. */
class error : public std::exception {
public:
    explicit error(const sessile_error &raw) noexcept : raw_(raw) {}
    /** One of SESSILE_ERR_... */
    std::int32_t code() const noexcept { return raw_.code; }
    const char *name() const noexcept { return sessile_status_name(raw_.code); }
    const char *what() const noexcept override { return raw_.message; }

private:
    sessile_error raw_;
};

/** What a noexcept call gives: a value, or the error that its twin would throw. */
template <class T> class [[nodiscard]] result {
public:
    result(T value) noexcept : held_(std::move(value)) {}
    result(const error &failure) noexcept : held_(failure) {}
    /** Whether there is a value; of a session that says nothing of its being valid. */
    bool is_ok() const noexcept { return held_.index() == 0; }
    /** The value; throws the error when there is none. */
    const T &value() const {
        if (!is_ok()) {
            throw *std::get_if<1>(&held_);
        }
        return *std::get_if<0>(&held_);
    }
    /** The value, or nullptr. */
    const T *get() const noexcept { return std::get_if<0>(&held_); }
    /** The error, or nullptr. */
    const error *failure() const noexcept { return std::get_if<1>(&held_); }

private:
    std::variant<T, error> held_;
};

namespace detail {

/** The last argument of a C call, and what becomes of the status. */
class call {
public:
    operator sessile_error *() noexcept { return &raw_; }
    void check(std::int32_t status) const {
        if (status != SESSILE_OK) {
            throw error(raw_);
        }
    }
    error failure() const noexcept { return error(raw_); }

private:
    sessile_error raw_ = {SESSILE_ERR_INTERNAL, {0}};
};

/** A setter's status: a refusal makes the opening fail, and is told there. */
inline void ignore(std::int32_t) noexcept {}

template <class T, void (*Free)(T *)> struct deleter {
    void operator()(T *owned) const noexcept { Free(owned); }
};
template <class T, void (*Free)(T *)> using owned = std::unique_ptr<T, deleter<T, Free>>;

inline std::uint64_t ms(duration time) noexcept { return static_cast<std::uint64_t>(time.count()); }
inline std::uint64_t ms(time_point time) noexcept { return ms(time.time_since_epoch()); }
inline time_point at(std::uint64_t ms) noexcept {
    return time_point(duration(static_cast<duration::rep>(ms)));
}

/** Sets a pointer and a length of a C struct; an empty text is NULL, its default. */
inline void put(const char *&to, std::size_t &len, std::string_view text) noexcept {
    to = text.empty() ? nullptr : text.data();
    len = text.size();
}

template <class F> void destroy(void *userdata) noexcept { delete static_cast<F *>(userdata); }

/** Overwrites a secret in a way that is not optimised away. */
inline void wipe(char *secret, std::size_t len) noexcept {
    for (volatile char *at = secret; len > 0; --len) {
        *at++ = 0;
    }
}

} // namespace detail

inline const char *version() noexcept { return sessile_version(); }
inline std::uint32_t version_number() noexcept { return sessile_version_number(); }
inline std::size_t token_max() noexcept { return sessile_token_max(); }
inline const char *status_name(std::int32_t status) noexcept { return sessile_status_name(status); }
inline const char *reason_name(std::int32_t reason) noexcept { return sessile_reason_name(reason); }

/** The public name of a session, a single-use token or an API key: no secret. */
class handle {
public:
    handle() noexcept : raw_{} {}
    handle(const sessile_handle &raw) noexcept : raw_(raw) {}
    static handle parse(std::string_view text) {
        detail::call call;
        handle made;
        call.check(sessile_handle_parse(text.data(), text.size(), &made.raw_, call));
        return made;
    }
    std::string text() const {
        detail::call call;
        char text[SESSILE_HANDLE_TEXT_MAX];
        call.check(sessile_handle_text(&raw_, text, sizeof text, call));
        return text;
    }
    const sessile_handle *c() const noexcept { return &raw_; }
    friend bool operator==(const handle &a, const handle &b) noexcept { return a.compare(b) == 0; }
    friend bool operator!=(const handle &a, const handle &b) noexcept { return a.compare(b) != 0; }
    friend bool operator<(const handle &a, const handle &b) noexcept { return a.compare(b) < 0; }

private:
    int compare(const handle &other) const noexcept {
        return std::memcmp(raw_.bytes, other.raw_.bytes, sizeof raw_.bytes);
    }
    sessile_handle raw_;
};

/** Bytes that the library made; they are cleared when they are freed. */
class bytes {
public:
    explicit bytes(sessile_bytes *raw = nullptr) noexcept : raw_(raw) {}
    const char *data() const noexcept { return sessile_bytes_data(raw_.get()); }
    std::size_t size() const noexcept { return sessile_bytes_len(raw_.get()); }
    std::string_view view() const noexcept { return {data(), size()}; }
    operator std::string_view() const noexcept { return view(); }

private:
    detail::owned<sessile_bytes, sessile_bytes_free> raw_;
};

/** What verification says, and of which session: true when it is valid. */
class session {
public:
    explicit operator bool() const noexcept { return raw_.reason == SESSILE_VALID; }
    /** SESSILE_VALID, or one of SESSILE_REASON_... */
    std::int32_t reason() const noexcept { return raw_.reason; }
    const char *reason_name() const noexcept { return sessile_reason_name(raw_.reason); }
    sessile::handle handle() const noexcept { return raw_.handle; }
    /** Empty: anonymous, or not valid. */
    std::string_view subject() const noexcept { return {raw_.subject, raw_.subject_len}; }
    bool is_rotation_due() const noexcept { return raw_.is_rotation_due != 0; }
    bool are_claims_stale() const noexcept { return raw_.are_claims_stale != 0; }
    bool is_superseded() const noexcept { return raw_.is_superseded != 0; }
    sessile::handle rotated_to() const noexcept { return raw_.rotated_to; }
    time_point created() const noexcept { return detail::at(raw_.created_ms); }
    time_point authenticated_at() const noexcept { return detail::at(raw_.authenticated_at_ms); }
    time_point last_seen() const noexcept { return detail::at(raw_.last_seen_ms); }
    time_point idle_deadline() const noexcept { return detail::at(raw_.idle_deadline_ms); }
    time_point absolute_deadline() const noexcept { return detail::at(raw_.absolute_deadline_ms); }
    time_point verified_at() const noexcept { return detail::at(raw_.verified_at_ms); }
    std::uint64_t claims_version() const noexcept { return raw_.claims_version; }
    std::string_view renewed_token() const noexcept { return raw_.renewed_token; }
    /** Whether the subject proved who it is less than `age` ago. */
    bool is_authenticated_within(duration age) const noexcept {
        return *this && raw_.authenticated_at_ms != 0 && verified_at() - authenticated_at() < age;
    }
    const sessile_session *c() const noexcept { return &raw_; }
    sessile_session *c() noexcept { return &raw_; }

private:
    sessile_session raw_ = SESSILE_SESSION_INIT;
};

/** The tokens of a new session: secrets of the client, cleared when they are not needed. */
class tokens {
public:
    tokens() noexcept = default;
    tokens(tokens &&other) noexcept : raw_(other.raw_) { other.wipe(); }
    tokens &operator=(tokens &&other) noexcept {
        if (this != &other) {
            raw_ = other.raw_;
            other.wipe();
        }
        return *this;
    }
    ~tokens() { wipe(); }
    std::string_view session() const noexcept { return raw_.session; }
    /** Empty when the session was created without one. */
    std::string_view refresh() const noexcept { return raw_.refresh; }
    const sessile_tokens *c() const noexcept { return &raw_; }
    sessile_tokens *c() noexcept { return &raw_; }

private:
    void wipe() noexcept {
        detail::wipe(raw_.session, sizeof raw_.session);
        detail::wipe(raw_.refresh, sizeof raw_.refresh);
    }
    sessile_tokens raw_ = SESSILE_TOKENS_INIT;
};

/** A session that was just created or rotated. */
struct issued {
    sessile::session session;
    sessile::tokens tokens;
};

/** What a new session is to be; see sessile_create_options. */
struct create_options {
    std::string_view subject = {};
    std::string_view retire = {};
    std::string_view device_label = {};
    std::string_view amr = {};
    std::string_view acr = {};
    duration idle_timeout = {};
    duration absolute_lifetime = {};
    std::optional<time_point> not_before = {};
    bool is_refreshable = false;
    std::string_view client = {};
    std::string_view scopes = {};
    std::string_view audiences = {};
};

/** What changes with a rotation; see sessile_rotate_options. */
struct rotate_options {
    std::string_view subject = {};
    std::string_view device_label = {};
    std::string_view amr = {};
    std::string_view acr = {};
    bool is_authenticated = false;
    duration idle_timeout = {};
    duration absolute_lifetime = {};
    std::optional<duration> grace = {};
};

/** What goes into an access token; see sessile_access_options. */
struct access_options {
    std::string_view audiences = {};
    std::string_view client = {};
    std::string_view scopes = {};
    std::string_view claims_json = {};
    duration lifetime = {};
};

/** What a client asks of a refresh; see sessile_refresh_request. */
struct refresh_request {
    std::string_view client = {};
    std::string_view scopes = {};
    std::string_view audiences = {};
};

/** What a single-use token is to be; see sessile_single_use_options. */
struct single_use_options {
    std::string_view purpose = {};
    std::string_view subject = {};
    std::string_view payload = {};
    duration lifetime = {};
    bool is_superseding = false;
};

/** What an API key is to be; see sessile_api_key_options. */
struct api_key_options {
    std::string_view subject = {};
    std::string_view name = {};
    std::string_view scopes = {};
    duration lifetime = {};
    bool is_outliving_sessions = false;
};

/** One change of a session's data; without a value the name goes away. */
struct change {
    std::string_view name;
    std::optional<std::string_view> value;
};

/** An access token, and until when it is good. */
struct access_token {
    bytes token;
    time_point deadline;
};

/** What an access token says: true when it is valid. */
struct access_verdict {
    sessile::session session;
    bytes claims_json;
    explicit operator bool() const noexcept { return static_cast<bool>(session); }
};

/** A single-use token or an API key that was just made. The token is shown once. */
struct made_token {
    std::string token;
    sessile::handle handle;
    /** 1970 where there is none. */
    time_point deadline;
};

/** What a single-use token stands for: true when it is good. */
class single_use {
public:
    explicit operator bool() const noexcept { return raw_.reason == SESSILE_VALID; }
    std::int32_t reason() const noexcept { return raw_.reason; }
    sessile::handle handle() const noexcept { return raw_.handle; }
    std::string_view subject() const noexcept { return {raw_.subject, raw_.subject_len}; }
    std::string_view payload() const noexcept { return payload_; }
    time_point created() const noexcept { return detail::at(raw_.created_ms); }
    time_point deadline() const noexcept { return detail::at(raw_.deadline_ms); }

private:
    friend class engine;
    sessile_single_use raw_ = SESSILE_SINGLE_USE_INIT;
    bytes payload_;
};

/** An API key: true when it is good. */
class api_key {
public:
    explicit operator bool() const noexcept { return raw_.reason == SESSILE_VALID; }
    std::int32_t reason() const noexcept { return raw_.reason; }
    sessile::handle handle() const noexcept { return raw_.handle; }
    std::string_view subject() const noexcept { return {raw_.subject, raw_.subject_len}; }
    std::string_view name() const noexcept { return {raw_.name, raw_.name_len}; }
    std::string_view scopes() const noexcept { return scopes_; }
    std::uint32_t uses_this_minute() const noexcept { return raw_.uses_this_minute; }
    time_point created() const noexcept { return detail::at(raw_.created_ms); }
    /** 1970: until it is revoked. */
    time_point deadline() const noexcept { return detail::at(raw_.deadline_ms); }
    /** 1970: never. */
    time_point last_used() const noexcept { return detail::at(raw_.last_used_ms); }
    static api_key of(const sessile_list *list, std::size_t index) {
        detail::call call;
        api_key key;
        sessile_bytes *scopes = nullptr;
        call.check(sessile_list_api_key(list, index, &key.raw_, &scopes, call));
        key.scopes_ = bytes(scopes);
        return key;
    }

private:
    friend class engine;
    sessile_api_key raw_ = SESSILE_API_KEY_INIT;
    bytes scopes_;
};

/** What came of a refresh: true when there is a new token. */
class refreshed {
public:
    refreshed() noexcept = default;
    refreshed(refreshed &&other) noexcept : session_(other.session_), raw_(other.raw_) {
        other.forget();
    }
    refreshed &operator=(refreshed &&other) noexcept {
        if (this != &other) {
            sessile_refreshed_clear(&raw_);
            session_ = other.session_;
            raw_ = other.raw_;
            other.forget();
        }
        return *this;
    }
    ~refreshed() { sessile_refreshed_clear(&raw_); }
    explicit operator bool() const noexcept { return static_cast<bool>(session_); }
    const sessile::session &session() const noexcept { return session_; }
    std::string_view refresh_token() const noexcept { return raw_.refresh_token; }
    std::string_view access_token() const noexcept { return view(raw_.access_token); }
    std::string_view scopes() const noexcept { return view(raw_.scopes); }
    std::string_view audiences() const noexcept { return view(raw_.audiences); }
    time_point access_deadline() const noexcept { return detail::at(raw_.access_deadline_ms); }
    std::uint32_t generation() const noexcept { return raw_.generation; }
    bool is_replay() const noexcept { return raw_.is_replay != 0; }

private:
    friend class engine;
    static std::string_view view(const sessile_bytes *of) noexcept {
        return {sessile_bytes_data(of), sessile_bytes_len(of)};
    }
    void forget() noexcept {
        detail::wipe(raw_.refresh_token, sizeof raw_.refresh_token);
        raw_ = SESSILE_REFRESHED_INIT;
    }
    sessile::session session_;
    sessile_refreshed raw_ = SESSILE_REFRESHED_INIT;
};

/** A value that was signed: true when it may be believed. */
struct unsigned_value {
    std::int32_t reason = SESSILE_REASON_UNANSWERED;
    bytes payload;
    time_point signed_at;
    explicit operator bool() const noexcept { return reason == SESSILE_VALID; }
};

/** A session of a list; its texts are in the list. */
class session_info {
public:
    sessile::handle handle() const noexcept { return raw_.handle; }
    std::string_view device_label() const noexcept {
        return {raw_.device_label, raw_.device_label_len};
    }
    std::string_view amr() const noexcept { return {raw_.amr, raw_.amr_len}; }
    std::string_view acr() const noexcept { return {raw_.acr, raw_.acr_len}; }
    time_point created() const noexcept { return detail::at(raw_.created_ms); }
    time_point last_seen() const noexcept { return detail::at(raw_.last_seen_ms); }
    time_point authenticated_at() const noexcept { return detail::at(raw_.authenticated_at_ms); }
    time_point idle_deadline() const noexcept { return detail::at(raw_.idle_deadline_ms); }
    time_point absolute_deadline() const noexcept { return detail::at(raw_.absolute_deadline_ms); }
    static session_info of(const sessile_list *list, std::size_t index) {
        detail::call call;
        session_info info;
        call.check(sessile_list_session(list, index, &info.raw_, call));
        return info;
    }

private:
    sessile_session_info raw_ = SESSILE_SESSION_INFO_INIT;
};

/** A signing key of a list. */
struct key_info {
    std::uint8_t id = 0;
    /** One of SESSILE_KEY_... */
    std::int32_t state = 0;
    time_point since;
    static key_info of(const sessile_list *list, std::size_t index) {
        detail::call call;
        key_info info;
        std::uint64_t since_ms = 0;
        call.check(sessile_list_key(list, index, &info.id, &info.state, &since_ms, call));
        info.since = detail::at(since_ms);
        return info;
    }
};

/** A value of a session's data; both are in the list. */
struct data_entry {
    std::string_view name;
    std::string_view value;
    static data_entry of(const sessile_list *list, std::size_t index) {
        detail::call call;
        const char *name = nullptr, *value = nullptr;
        std::size_t name_len = 0, value_len = 0;
        call.check(sessile_list_data(list, index, &name, &name_len, &value, &value_len, call));
        return {{name, name_len}, {value, value_len}};
    }
};

/** What there was when it was asked for. It needs no engine any more. */
template <class Item> class list {
public:
    class iterator {
    public:
        using value_type = Item;
        using reference = Item;
        using pointer = void;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        iterator(const sessile_list *of, std::size_t index) noexcept : of_(of), index_(index) {}
        Item operator*() const { return Item::of(of_, index_); }
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const sessile_list *of_;
        std::size_t index_;
    };

    explicit list(sessile_list *raw) noexcept : raw_(raw) {}
    std::size_t size() const noexcept { return sessile_list_len(raw_.get()); }
    bool empty() const noexcept { return size() == 0; }
    /** Throws when there is no such index. */
    Item operator[](std::size_t index) const { return Item::of(raw_.get(), index); }
    iterator begin() const noexcept { return {raw_.get(), 0}; }
    iterator end() const noexcept { return {raw_.get(), size()}; }

private:
    detail::owned<sessile_list, sessile_list_free> raw_;
};

} // namespace sessile

#endif
