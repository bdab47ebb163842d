/*
 * sessile.h: web sessions and tokens, created, verified and revoked in your own process.
 *
 * This file is generated: `make header` rewrites it.
 *
 * Status. A function that can fail returns int32_t: SESSILE_OK or one of SESSILE_ERR_..., whose
 * numbers are never reused. It writes its outputs only when it returns SESSILE_OK, and tells its
 * last argument, a sessile_error or NULL, when it does not. That a token is not valid is no
 * failure but a verdict, with one of SESSILE_REASON_... as its reason. Each function names the
 * errors of its own; beside them SESSILE_ERR_INVALID_INPUT is for arguments that are NULL or not
 * UTF-8, and SESSILE_ERR_CLOSED and SESSILE_ERR_FORKED for an engine that is closed or from before
 * a fork.
 *
 * Text. What goes in is a pointer and a length, and needs no zero at its end: (NULL, 0) is the
 * empty text. What comes out has one. Memory that goes in is copied, or not used after the call.
 *
 * Structs. One that begins with struct_size is initialised with its _INIT macro, or with
 * struct_size set to its sizeof: so the library knows which members the program knows, and either
 * can be older than the other. Options with a member that the library does not know are refused.
 *
 * Forks. Open an engine after a fork, not before: an engine from before it answers every call in
 * the child with SESSILE_ERR_FORKED.
 *
 * Threads. Each function says from which threads it may be called. There is no global state to set
 * up, and none that a call leaves behind for a later one, such as a last error.
 *
 * Panics. A bug in the library never unwinds into your code: the call answers
 * SESSILE_ERR_INTERNAL, or what its comment says. Do not let a C++ exception or a longjmp cross
 * the library either.
 */

#ifndef SESSILE_H
#define SESSILE_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header; sessile_version() has that of the library. */
#define SESSILE_VERSION "0.1.0"
#define SESSILE_VERSION_MAJOR 0
#define SESSILE_VERSION_MINOR 1
#define SESSILE_VERSION_PATCH 0
#define SESSILE_VERSION_NUMBER \
    ((SESSILE_VERSION_MAJOR << 16) | (SESSILE_VERSION_MINOR << 8) | SESSILE_VERSION_PATCH)

/** The call did its work. */
#define SESSILE_OK 0

/** An argument is outside its limits. Nothing was read or written. */
#define SESSILE_ERR_INVALID_INPUT 1

/** A setting of the configuration is outside its range. Nothing was opened. */
#define SESSILE_ERR_INVALID_CONFIG 2

/** Another engine has the store open. Nothing was changed. */
#define SESSILE_ERR_LOCKED 3

/** The store could not be reached or read. Nothing is known about the session: do not let the
 *  client in, and do not clear its cookie. */
#define SESSILE_ERR_UNAVAILABLE 4

/** Stored bytes are damaged. They are left as they are. */
#define SESSILE_ERR_CORRUPT 5

/** Concurrent changes won every retry. Nothing was written. */
#define SESSILE_ERR_CONFLICT 6

/** The session is gone (revoked, expired or never there), so there was nothing to change. */
#define SESSILE_ERR_SESSION_GONE 7

/** A write may or may not have reached the disk. The engine answers as if a revoke had
 *  happened, and refuses further writes until it is reopened. */
#define SESSILE_ERR_OUTCOME_UNKNOWN 8

/** An earlier write failed at the disk: the store takes no more writes until it is reopened.
 *  Reads go on. */
#define SESSILE_ERR_WRITES_REFUSED 9

/** The store was written by a newer version of sessile. Nothing was changed. */
#define SESSILE_ERR_NEWER_FORMAT 10

/** The store is older than what it had acknowledged: a restored copy or a truncated file. */
#define SESSILE_ERR_ROLLED_BACK 11

/** A secret is too short or too predictable. It was not taken. */
#define SESSILE_ERR_WEAK_SECRET 12

/** The key file is missing, readable by others, or not ours. Nothing was opened. */
#define SESSILE_ERR_KEY_FILE 13

/** The master secret does not open the store's keyring. Nothing was opened. */
#define SESSILE_ERR_WRONG_SECRET 14

/** The directory cannot promise to survive a power loss, and the configuration asks for it. */
#define SESSILE_ERR_POWER_LOSS_UNSAFE 15

/** The subject has as many sessions as the configuration allows. None was created. */
#define SESSILE_ERR_TOO_MANY_SESSIONS 16

/** The subject is suspended. No session was created. */
#define SESSILE_ERR_SUSPENDED 17

/** A value is larger than its limit. Nothing was written. */
#define SESSILE_ERR_TOO_LARGE 18

/** The engine was opened before a fork and is used in the child. Open a new one there. */
#define SESSILE_ERR_FORKED 19

/** The engine is closed. */
#define SESSILE_ERR_CLOSED 20

/** No signing key is active, or none with that id exists. */
#define SESSILE_ERR_NO_SUCH_KEY 21

/** The operating system gave no random bytes. Nothing was created. */
#define SESSILE_ERR_NO_RANDOMNESS 22

/** A bug in sessile. Nothing was answered as valid. */
#define SESSILE_ERR_INTERNAL 23

/** Not in the one canonical text form: length, alphabet, trailing bits or version; of a JWT
 *  also a header that is not plain, or a claim of the wrong type. */
#define SESSILE_REASON_MALFORMED 1

/** The tag or signature does not match. */
#define SESSILE_REASON_BAD_SIGNATURE 2

/** Signed under a key or by an algorithm that the keyring does not hold, or holds as retired. */
#define SESSILE_REASON_UNKNOWN_KEY 3

/** A token of another kind: a refresh token where a session token belongs, say. */
#define SESSILE_REASON_WRONG_KIND 4

/** A token for another purpose. */
#define SESSILE_REASON_WRONG_PURPOSE 5

/** Its time has not come. */
#define SESSILE_REASON_NOT_YET_VALID 6

/** Its absolute deadline has passed. */
#define SESSILE_REASON_EXPIRED 7

/** Its session was unused for longer than the idle timeout. */
#define SESSILE_REASON_IDLE_EXPIRED 8

/** Its session was revoked. */
#define SESSILE_REASON_REVOKED_SESSION 9

/** All sessions of the subject were revoked after it was issued. */
#define SESSILE_REASON_REVOKED_SUBJECT 10

/** Everything was revoked after it was issued. */
#define SESSILE_REASON_REVOKED_ALL 11

/** This very token was denied. */
#define SESSILE_REASON_DENIED 12

/** The subject is suspended. */
#define SESSILE_REASON_SUSPENDED 13

/** The identity stands, but its claims have changed since: mint a new token. */
#define SESSILE_REASON_STALE_CLAIMS 14

/** Used before, and may be used once only. */
#define SESSILE_REASON_REUSED 15

/** No such session: swept after its end, or its store was replaced. */
#define SESSILE_REASON_UNKNOWN_SESSION 16

/** The request brought two cookies that are valid for different sessions: neither is trusted. */
#define SESSILE_REASON_AMBIGUOUS 17

/** Another issuer's token. */
#define SESSILE_REASON_WRONG_ISSUER 18

/** A token for somebody else: its audience does not name us. */
#define SESSILE_REASON_WRONG_AUDIENCE 19

/** A claim that this kind of token must have is missing. */
#define SESSILE_REASON_MISSING_CLAIM 20

/** A token of another client than the one that presents it. */
#define SESSILE_REASON_WRONG_CLIENT 21

/** More was asked for than was granted. */
#define SESSILE_REASON_BEYOND_GRANT 22

/** A warning when what the function returns is not looked at. */
#if defined(__GNUC__) || defined(__clang__)
#define SESSILE_MUST_USE __attribute__((warn_unused_result))
#else
#define SESSILE_MUST_USE
#endif


/**
 * End the session that was used the longest time ago.
 */
#define SESSILE_AT_LIMIT_EVICT_LEAST_RECENTLY_USED 0

/**
 * End the session that was created first.
 */
#define SESSILE_AT_LIMIT_EVICT_OLDEST 1

/**
 * Create none.
 */
#define SESSILE_AT_LIMIT_REFUSE 2

/**
 * No request from another site carries the cookie. A link from another site arrives without the
 * session.
 */
#define SESSILE_SAME_SITE_STRICT 0

/**
 * Only navigation by a safe method carries it, such as following a link.
 */
#define SESSILE_SAME_SITE_LAX 1

/**
 * All of them do. Needs Secure, and a CSRF token on every request that changes something.
 */
#define SESSILE_SAME_SITE_NONE 2

/**
 * Bytes of an error's message with the zero at its end.
 */
#define SESSILE_ERROR_MESSAGE_MAX 256

/**
 * Bytes of a handle.
 */
#define SESSILE_HANDLE_LEN 18

/**
 * Bytes of a handle's text with the zero at its end.
 */
#define SESSILE_HANDLE_TEXT_MAX 25

/**
 * The token is valid.
 */
#define SESSILE_VALID 0

/**
 * The request brought no token at all.
 */
#define SESSILE_REASON_ABSENT -1

/**
 * Nothing was verified: the call failed, or there was none. Let the client not in, and leave its
 * cookie alone.
 */
#define SESSILE_REASON_UNANSWERED -2

/**
 * Bytes of a subject with the zero at its end.
 */
#define SESSILE_SUBJECT_MAX 256

/**
 * The buffer does not hold the result. The length that the call was given learns how many bytes
 * are needed, the zero at the end included; nothing else was written or done.
 */
#define SESSILE_ERR_BUFFER_TOO_SMALL 1000

/**
 * Bytes that hold any session, refresh, single-use or CSRF token and any API key, with the zero
 * at its end. Access tokens and signed values are longer, and come as sessile_bytes.
 */
#define SESSILE_TOKEN_MAX 96

/**
 * Settings of an engine, to be opened with: once, or several times.
 */
typedef struct sessile_config sessile_config;

/**
 * One open store with its caches and keys. Every function may be called with it from any thread
 * at the same time.
 *
 * It is counted: sessile_open gives one reference, sessile_engine_retain another, and
 * sessile_engine_release or sessile_close takes one.
 */
typedef struct sessile_engine sessile_engine;

/**
 * What there was when it was asked for. It does not change, and needs no engine any more.
 */
typedef struct sessile_list sessile_list;

/**
 * What a new session is to be. Begin with SESSILE_CREATE_OPTIONS_INIT: every member that is left
 * at NULL or 0 keeps its default.
 */
typedef struct sessile_create_options {
  /**
   * sizeof(sessile_create_options), set by the caller.
   */
  size_t struct_size;
  /**
   * Whose session it is, who has just proved who it is: UTF-8, 1 to 255 bytes. NULL: an
   * anonymous session.
   */
  const char *subject;
  /**
   * Its length.
   */
  size_t subject_len;
  /**
   * The session token that the client presented, whatever it is: its session is ended once the
   * new one is there, so that a login leaves no orphan behind. It is never taken over.
   */
  const char *retire;
  /**
   * Its length.
   */
  size_t retire_len;
  /**
   * What lists of sessions show: "Firefox on Linux". Up to 255 bytes.
   */
  const char *device_label;
  /**
   * Its length.
   */
  size_t device_label_len;
  /**
   * How the subject proved who it is (RFC 8176): "pwd otp", separated by spaces.
   */
  const char *amr;
  /**
   * Its length.
   */
  size_t amr_len;
  /**
   * The class of the authentication (OpenID Connect Core, 2).
   */
  const char *acr;
  /**
   * Its length.
   */
  size_t acr_len;
  /**
   * How long it lives unused, instead of the configuration's. Set both lifetimes or none.
   */
  uint64_t idle_timeout_ms;
  /**
   * How long it lives at all, instead of the configuration's.
   */
  uint64_t absolute_lifetime_ms;
  /**
   * The session begins then; until then it is not yet valid. 0: now.
   */
  uint64_t not_before_ms;
  /**
   * 1: with a refresh token. The session then lives 14 days unused and 90 in all, unless the
   * lifetimes are set.
   */
  uint64_t is_refreshable;
  /**
   * The client that the refresh token is bound to (RFC 6749); NULL: to none.
   */
  const char *client;
  /**
   * Its length.
   */
  size_t client_len;
  /**
   * The scopes, at most which a refresh can ask for, separated by spaces.
   */
  const char *scopes;
  /**
   * Their length.
   */
  size_t scopes_len;
  /**
   * The audiences, at most which a refresh can ask for, separated by spaces.
   */
  const char *audiences;
  /**
   * Their length.
   */
  size_t audiences_len;
} sessile_create_options;

#define SESSILE_CREATE_OPTIONS_INIT \
    { sizeof(sessile_create_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The public name of a session, a single-use token or an API key. Knowing it grants nothing, so
 * it may go into pages, logs and databases. Compare two with memcmp.
 */
typedef struct sessile_handle {
  /**
   * The bytes.
   */
  uint8_t bytes[SESSILE_HANDLE_LEN];
} sessile_handle;

/**
 * What verification says, and of which session. Begin with SESSILE_SESSION_INIT.
 *
 * Only if `reason` is SESSILE_VALID are the other members those of a session; otherwise they are
 * zero, but for the size. A call that fails sets `reason` to SESSILE_REASON_UNANSWERED and
 * nothing else: a program that forgets to look at the status lets nobody in.
 *
 * Times are milliseconds since the Unix epoch, by the engine's clock.
 */
typedef struct sessile_session {
  /**
   * sizeof(sessile_session), set by the caller.
   */
  size_t struct_size;
  /**
   * SESSILE_VALID, or one of SESSILE_REASON_...
   */
  int32_t reason;
  /**
   * 1: the policy wants a rotation now.
   */
  uint8_t is_rotation_due;
  /**
   * 1: the subject's claims (roles, say) changed since: load them anew, and rotate.
   */
  uint8_t are_claims_stale;
  /**
   * 1: the token is from before a rotation and answers for its grace only. This is the session
   * as it was; it can be revoked, and not changed. `rotated_to` is the handle that is good.
   */
  uint8_t is_superseded;
  /**
   * Not used yet.
   */
  uint8_t reserved;
  /**
   * When the session was created; rotations do not change it.
   */
  uint64_t created_ms;
  /**
   * When the subject proved who it is last; 0: anonymous. "Within five minutes" is
   * `verified_at_ms - authenticated_at_ms < 300000`.
   */
  uint64_t authenticated_at_ms;
  /**
   * When the client was seen last, this call included if it touches.
   */
  uint64_t last_seen_ms;
  /**
   * Unused until then, it ends.
   */
  uint64_t idle_deadline_ms;
  /**
   * It ends then, used or not.
   */
  uint64_t absolute_deadline_ms;
  /**
   * The engine's time at the call.
   */
  uint64_t verified_at_ms;
  /**
   * The subject's claims version when the session was issued.
   */
  uint64_t claims_version;
  /**
   * Bytes of the subject without the zero; 0: anonymous.
   */
  size_t subject_len;
  /**
   * The session's public name: what sessile_revoke and others take.
   */
  struct sessile_handle handle;
  /**
   * See `is_superseded`.
   */
  struct sessile_handle rotated_to;
  /**
   * Whose session it is: UTF-8 with a zero at its end.
   */
  char subject[SESSILE_SUBJECT_MAX];
  /**
   * The same session's token under the active key, when the presented one is under an older
   * key; else empty. sessile_renew_cookies puts it into the cookie.
   */
  char renewed_token[SESSILE_TOKEN_MAX];
  /**
   * Not used yet.
   */
  uint8_t reserved_end[4];
} sessile_session;

#define SESSILE_SESSION_INIT \
    { sizeof(sessile_session), SESSILE_REASON_UNANSWERED, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {{0}}, {{0}}, {0}, {0}, {0} }

/**
 * The tokens of a session that was just created or rotated. Begin with SESSILE_TOKENS_INIT.
 *
 * They are secrets of the client: into the cookie with them, and into no log.
 */
typedef struct sessile_tokens {
  /**
   * sizeof(sessile_tokens), set by the caller.
   */
  size_t struct_size;
  /**
   * The session token, with a zero at its end.
   */
  char session[SESSILE_TOKEN_MAX];
  /**
   * The refresh token, if the session was created with one; else empty.
   */
  char refresh[SESSILE_TOKEN_MAX];
} sessile_tokens;

#define SESSILE_TOKENS_INIT \
    { sizeof(sessile_tokens), {0}, {0} }

/**
 * What went wrong, for people. Every function that takes one takes NULL, too.
 *
 * It is written only when a call fails, and needs no initial value. It never grows, so it has no
 * `struct_size`. It never holds a token, a key or session data.
 */
typedef struct sessile_error {
  /**
   * What the call returned.
   */
  int32_t code;
  /**
   * Why, in a sentence of English: UTF-8 with a zero at its end, cut where it is too long.
   */
  char message[SESSILE_ERROR_MESSAGE_MAX];
} sessile_error;

/**
 * What a tick did. Begin with SESSILE_TICK_REPORT_INIT.
 */
typedef struct sessile_tick_report {
  /**
   * sizeof(sessile_tick_report), set by the caller.
   */
  size_t struct_size;
  /**
   * Touches that the store has learnt of.
   */
  uint64_t touches_written;
  /**
   * Expired rows that are gone from the store.
   */
  uint64_t rows_swept;
  /**
   * 1: more rows are due than one tick sweeps; tick again soon.
   */
  uint64_t is_more_due;
} sessile_tick_report;

#define SESSILE_TICK_REPORT_INIT \
    { sizeof(sessile_tick_report), 0, 0, 0 }

/**
 * A session of a list. Begin with SESSILE_SESSION_INFO_INIT.
 */
typedef struct sessile_session_info {
  /**
   * sizeof(sessile_session_info), set by the caller.
   */
  size_t struct_size;
  /**
   * The label that it was created with: "Firefox on Linux". UTF-8, with a zero at its end
   * unless it has one inside; "" when there is none. In the list, and freed with it.
   */
  const char *device_label;
  /**
   * Its length.
   */
  size_t device_label_len;
  /**
   * How the subject proved who it is: "pwd otp". In the list, and freed with it.
   */
  const char *amr;
  /**
   * Its length.
   */
  size_t amr_len;
  /**
   * The class of the authentication. In the list, and freed with it.
   */
  const char *acr;
  /**
   * Its length.
   */
  size_t acr_len;
  /**
   * When it was created, in milliseconds since the Unix epoch, as all of these.
   */
  uint64_t created_ms;
  /**
   * When the client was seen last, as the store knows: up to a minute old.
   */
  uint64_t last_seen_ms;
  /**
   * When the subject proved who it is last; 0: never.
   */
  uint64_t authenticated_at_ms;
  /**
   * Unused until then, it ends.
   */
  uint64_t idle_deadline_ms;
  /**
   * It ends then, used or not.
   */
  uint64_t absolute_deadline_ms;
  /**
   * Its public name: what sessile_revoke takes. The session of the request that asks is the one
   * with the same handle.
   */
  struct sessile_handle handle;
  /**
   * Not used yet.
   */
  uint8_t reserved[6];
} sessile_session_info;

#define SESSILE_SESSION_INFO_INIT \
    { sizeof(sessile_session_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {{0}}, {0} }

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A config with the defaults, and the embedded store in `directory`, which is made if it is not
 * there. One process at a time can have it open.
 *
 * A setter that refuses its argument says so, and makes sessile_open fail with the same: a
 * program may call all the setters it needs and look at nothing before it opens.
 *
 * Parameters: `directory`, `directory_len`: a path in any bytes.
 * Returns: the config; NULL when the process is out of memory.
 * Memory: freed with sessile_config_free, before or after the engines that it opened.
 * Threads: any; a config one thread at a time.
 */
struct sessile_config *sessile_config_new(const char *directory, size_t directory_len);

/**
 * A config with the defaults, and a store in memory: for tests, and where sessions may end with
 * the process. Each engine that is opened with it has another store.
 *
 * Returns, Memory, Threads: as sessile_config_new.
 */
struct sessile_config *sessile_config_new_in_memory(void);

/**
 * Frees a config.
 *
 * Parameters: `config`, NULL is fine.
 * Memory: `config` is not to be used again. What it holds of the caller's (a clock) stays for as
 * long as an engine that was opened with it.
 * Threads: as sessile_config_new.
 */
void sessile_config_free(struct sessile_config *config);

/**
 * How long a session lives unused. 30 minutes; 1 second to 400 days.
 *
 * Parameters: `config`; `ms`, milliseconds. A number out of range is refused by sessile_open.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: an argument does not do, and sessile_open will
 * say so too.
 * Memory: what is given is copied.
 * Threads: any; a config one thread at a time.
 */
int32_t sessile_config_idle_timeout_ms(struct sessile_config *config, uint64_t ms);

/**
 * How long a session lives at all; neither use nor rotation extends it. 12 hours; 1 second to 400
 * days.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_absolute_lifetime_ms(struct sessile_config *config, uint64_t ms);

/**
 * After how long verification says that a rotation is due. Off; 1 minute to 400 days.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_rotate_every_ms(struct sessile_config *config, uint64_t ms);

/**
 * How long the token from before a rotation still answers, read-only. 10 seconds; 0 (dead at once)
 * to 5 minutes.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_rotation_grace_ms(struct sessile_config *config, uint64_t ms);

/**
 * How long a refresh token that was just replaced gets the same successor again, once that has
 * arrived. 10 seconds; 0 to 5 minutes.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_refresh_grace_ms(struct sessile_config *config, uint64_t ms);

/**
 * How long before a session ends subscribers hear of it. 1 minute; 1 second to 1 day.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_expiring_soon_ms(struct sessile_config *config, uint64_t ms);

/**
 * How often the maintenance thread works. 1 second; 10 ms to 1 minute.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_tick_every_ms(struct sessile_config *config, uint64_t ms);

/**
 * The most that the data of a session may take, names and values together. 64 KiB; 0 to 64 KiB.
 *
 * Parameters: `config`; `len`, bytes.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_data_len_max_bytes(struct sessile_config *config, size_t len);

/**
 * The most that the cache of verified sessions may take. 256 MiB; 64 KiB to 1 TiB.
 *
 * Parameters: `config`; `len`, bytes.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cache_len_max_bytes(struct sessile_config *config, size_t len);

/**
 * The most that the embedded store's page cache should take. 128 MiB; 16 MiB to 4 GiB.
 *
 * Parameters: `config`; `len`, bytes.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_store_cache_len_max_bytes(struct sessile_config *config, size_t len);

/**
 * How many sessions a subject may have, and what happens to one more. Off; 1 to 1,000.
 *
 * Parameters: `config`; `max`; `at_limit`, one of SESSILE_AT_LIMIT_...
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_max_sessions_per_subject(struct sessile_config *config,
                                                size_t max,
                                                int32_t at_limit);

/**
 * Lets sessile_create return once the session is in the store's memory, from where it gets to the
 * disk within a second. Otherwise it returns once the session survives a crash.
 *
 * Parameters: `config`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_buffered_create(struct sessile_config *config);

/**
 * Starts no thread of the engine's own: the program calls sessile_tick. The embedded store has
 * threads all the same, from sessile_open on.
 *
 * Parameters: `config`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_no_threads(struct sessile_config *config);

/**
 * Takes the clock's time as it is, although the store was used at a later one. For once, after a
 * clock that ran ahead was put right.
 *
 * Parameters: `config`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_trust_clock(struct sessile_config *config);

/**
 * Refuses to open a directory where a durable change would not survive a power loss.
 *
 * Parameters: `config`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_require_power_loss_safety(struct sessile_config *config);

/**
 * Opens a store that is older than what it had acknowledged (a restored copy), and revokes all
 * that is in it. Otherwise that is SESSILE_ERR_ROLLED_BACK.
 *
 * Parameters: `config`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_accept_rollback(struct sessile_config *config);

/**
 * The secret that seals the keys in the store: 32 random bytes or more. Otherwise it is in a key
 * file, `sessile.key`, in the store's directory: better kept elsewhere, so that a stolen directory
 * forges nothing. Losing it loses every session.
 *
 * Parameters: `config`; `secret`, `secret_len`, copied.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_master_secret(struct sessile_config *config,
                                     const char *secret,
                                     size_t secret_len);

/**
 * Takes the master secret from an environment variable, in any text form.
 *
 * Parameters: `config`; `name`, `name_len`, of the variable.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_master_secret_env(struct sessile_config *config,
                                         const char *name,
                                         size_t name_len);

/**
 * Keeps the master secret in this file. It is made, with mode 0600, when the store is new, and
 * refused when it belongs to another user or others can read it.
 *
 * Parameters: `config`; `path`, `path_len`, in any bytes.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_key_file(struct sessile_config *config, const char *path, size_t path_len);

/**
 * What API keys begin with, before a `_`: a name of the program's, so that scanners of source code
 * find keys that leaked. None; 2 to 16 lower-case letters and digits, a letter first.
 *
 * Parameters: `config`; `prefix`, `prefix_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_api_key_prefix(struct sessile_config *config,
                                      const char *prefix,
                                      size_t prefix_len);

/**
 * Turns access tokens on: JWTs of `issuer` for `audience`, signed with Ed25519, good for 5
 * minutes. Off by default.
 *
 * Parameters: `config`; `issuer`, `issuer_len`; `audience`, `audience_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_access_tokens(struct sessile_config *config,
                                     const char *issuer,
                                     size_t issuer_len,
                                     const char *audience,
                                     size_t audience_len);

/**
 * How long access tokens are good, less up to 5 % at random. 5 minutes; 10 seconds to 1 hour. Call
 * sessile_config_access_tokens first.
 *
 * Parameters: `config`; `ms`, milliseconds.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_access_lifetime_ms(struct sessile_config *config, uint64_t ms);

/**
 * What new keys sign access tokens with: `EdDSA` (the default), `ES256` or `HS256`. `Ed25519` is
 * EdDSA by its newer name (RFC 9864). Keys that exist stay as they are. Call
 * sessile_config_access_tokens first.
 *
 * Parameters: `config`; `name`, `name_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_access_algorithm(struct sessile_config *config,
                                        const char *name,
                                        size_t name_len);

/**
 * The session cookie's name: a token of RFC 9110, 5.6.2. Default `__Host-sid`.
 *
 * Parameters: `config`; `name`, `name_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_name(struct sessile_config *config,
                                   const char *name,
                                   size_t name_len);

/**
 * The name of the companion cookie, which tells scripts how long the session has left. Default:
 * the session cookie's name and `-left`.
 *
 * Parameters: `config`; `companion_name`, `companion_name_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_companion_name(struct sessile_config *config,
                                             const char *companion_name,
                                             size_t companion_name_len);

/**
 * The path under which the browser sends the cookies. Default `/`. It keeps nobody out.
 *
 * Parameters: `config`; `path`, `path_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_path(struct sessile_config *config,
                                   const char *path,
                                   size_t path_len);

/**
 * The domain whose hosts all get the cookies, for a name with `__Secure-`. Default: only the host
 * that set them.
 *
 * Parameters: `config`; `domain`, `domain_len`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_domain(struct sessile_config *config,
                                     const char *domain,
                                     size_t domain_len);

/**
 * Whether the browser sends the cookies over HTTPS only. Default 1. 0 is for development, and
 * needs a name without prefix.
 *
 * Parameters: `config`; `is_secure`, 0 or 1.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_secure(struct sessile_config *config, int32_t is_secure);

/**
 * Which requests from other sites carry the cookies. Default SESSILE_SAME_SITE_LAX.
 *
 * Parameters: `config`; `same_site`, one of SESSILE_SAME_SITE_...
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_same_site(struct sessile_config *config, int32_t same_site);

/**
 * Whether the browser keeps a jar of the cookies per embedding site (CHIPS). Default 0.
 *
 * Parameters: `config`; `is_partitioned`, 0 or 1.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_partitioned(struct sessile_config *config, int32_t is_partitioned);

/**
 * The longest that a browser may keep the cookies: 1 second to 400 days; 0: until it is closed.
 * Default 400 days, so that they last as long as their session.
 *
 * Parameters: `config`; `seconds`.
 * Returns, Memory, Threads: as sessile_config_idle_timeout_ms.
 */
int32_t sessile_config_cookie_max_age_s(struct sessile_config *config, uint64_t seconds);

/**
 * Creates a session and signs its token. Durable when it returns, unless the configuration says
 * otherwise.
 *
 * Parameters: `engine`; `options`, NULL for an anonymous session; `session`, filled with the new
 * session, may be NULL; `tokens`, filled with what goes to the client; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_INVALID_CONFIG,
 * SESSILE_ERR_TOO_LARGE: an option is beyond its limit. SESSILE_ERR_SUSPENDED,
 * SESSILE_ERR_TOO_MANY_SESSIONS: the subject may have none. In all of these nothing was created.
 * SESSILE_ERR_OUTCOME_UNKNOWN: a session may be there that nobody has a token of; it expires.
 * Other store errors.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_create(const struct sessile_engine *engine,
                       const struct sessile_create_options *options,
                       struct sessile_session *session,
                       struct sessile_tokens *tokens,
                       struct sessile_error *error);

/**
 * Opens an engine with the settings of `config`, which stays the caller's.
 *
 * Open it after a fork, never before: nginx in init_process, Apache in child_init.
 *
 * Parameters: `config`; `engine`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_CONFIG, SESSILE_ERR_INVALID_INPUT: a setting does not
 * do, also one that a setter refused. SESSILE_ERR_WEAK_SECRET, SESSILE_ERR_KEY_FILE,
 * SESSILE_ERR_WRONG_SECRET: the master secret does not. SESSILE_ERR_LOCKED: another engine has
 * the store open. SESSILE_ERR_CORRUPT, SESSILE_ERR_NEWER_FORMAT, SESSILE_ERR_ROLLED_BACK,
 * SESSILE_ERR_POWER_LOSS_UNSAFE, SESSILE_ERR_UNAVAILABLE: the store cannot be used as it is.
 * SESSILE_ERR_FORKED: a store was open in this process before it forked.
 * Memory: `*engine` is closed with sessile_close.
 * Threads: any; a config one thread at a time.
 */
int32_t sessile_open(const struct sessile_config *config,
                     struct sessile_engine **engine,
                     struct sessile_error *error);

/**
 * Closes the store, for everyone who has a reference, and gives the caller's up. What is pending
 * is written; every later call with another reference is SESSILE_ERR_CLOSED.
 *
 * Parameters: `engine`, NULL is fine; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_FORKED: it is the parent's to close. Other errors: a touch or
 * two may be lost, durable changes are safe, and the engine is closed all the same.
 * Memory: the reference is given up in any case.
 * Threads: any. It waits for callbacks that are under way, so no callback may call it.
 */
int32_t sessile_close(struct sessile_engine *engine, struct sessile_error *error);

/**
 * Takes another reference, for another owner: a thread, or a C++ object that is copied.
 *
 * Parameters: `engine`, NULL is fine.
 * Returns: `engine`.
 * Memory: the reference is given up with sessile_engine_release.
 * Threads: any.
 */
struct sessile_engine *sessile_engine_retain(struct sessile_engine *engine);

/**
 * Gives a reference up. With the last one the engine is closed, and an error of that goes to the
 * log: call sessile_close where it matters.
 *
 * Parameters: `engine`, NULL is fine.
 * Memory: `engine` is not to be used again by this owner.
 * Threads: any. It may close, so no callback may call it.
 */
void sessile_engine_release(struct sessile_engine *engine);

/**
 * Writes pending touches and sweeps expired rows: what the maintenance thread does every second,
 * for programs that set sessile_config_no_threads and have an event loop of their own. Takes a
 * few milliseconds at most.
 *
 * Parameters: `engine`; `report`, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK; store errors: what was not done is done by a later tick.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_tick(const struct sessile_engine *engine,
                     struct sessile_tick_report *report,
                     struct sessile_error *error);

/**
 * Writes the text of a handle: 24 characters of base64url, as in a JWT's `sid`.
 *
 * Parameters: `handle`; `text`, a buffer, `text_cap`, its size, SESSILE_HANDLE_TEXT_MAX is
 * enough; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_BUFFER_TOO_SMALL; SESSILE_ERR_INVALID_INPUT.
 * Memory: the caller's. The text ends with a zero.
 * Threads: any.
 */
int32_t sessile_handle_text(const struct sessile_handle *handle,
                            char *text,
                            size_t text_cap,
                            struct sessile_error *error);

/**
 * Reads the text of a handle, as it comes back from a page or an address.
 *
 * Parameters: `text`, `text_len`; `handle`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: it is no handle's text.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_handle_parse(const char *text,
                             size_t text_len,
                             struct sessile_handle *handle,
                             struct sessile_error *error);

/**
 * Lists the valid sessions of a subject, the one used last first: "your devices".
 *
 * Parameters: `engine`; `subject`, `subject_len`; `list`, written on success; `error`, may be
 * NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
 * Memory: `*list` is freed with sessile_list_free.
 * Threads: any.
 */
int32_t sessile_list_sessions(const struct sessile_engine *engine,
                              const char *subject,
                              size_t subject_len,
                              struct sessile_list **list,
                              struct sessile_error *error);

/**
 * How many there are in a list.
 *
 * Parameters: `list`, NULL has none.
 * Returns: the number.
 * Threads: any.
 */
size_t sessile_list_len(const struct sessile_list *list);

/**
 * Frees a list, and with it all that its accessors pointed to.
 *
 * Parameters: `list`, NULL is fine.
 * Memory: `list` is not to be used again.
 * Threads: any.
 */
void sessile_list_free(struct sessile_list *list);

/**
 * One of a list of sessions.
 *
 * Parameters: `list`, from sessile_list_sessions; `index`, below sessile_list_len; `info`,
 * filled; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
 * Memory: the texts are in the list, and freed with it.
 * Threads: any.
 */
int32_t sessile_list_session(const struct sessile_list *list,
                             size_t index,
                             struct sessile_session_info *info,
                             struct sessile_error *error);

/**
 * Ends a session, and what it was rotated to. Every verification that starts after this returned
 * rejects it, on every thread, after a crash too. Revoking what is gone is fine.
 *
 * Parameters: `engine`; `session`, its handle; `was_valid`, learns whether it was valid until
 * now, 1 or 0, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_OUTCOME_UNKNOWN: this process rejects the session from now
 * on; whether that survives a restart is not known: reopen and revoke again. Other store errors:
 * the session is as it was.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_revoke(const struct sessile_engine *engine,
                       const struct sessile_handle *session,
                       int32_t *was_valid,
                       struct sessile_error *error);

/**
 * Ends every session of a subject, but one if given: one durable write, however many there are.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `except`, the handle of a session that stays,
 * or NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: `except` is another subject's session, or none
 * that is valid; nothing was revoked. Otherwise as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_revoke_subject(const struct sessile_engine *engine,
                               const char *subject,
                               size_t subject_len,
                               const struct sessile_handle *except,
                               struct sessile_error *error);

/**
 * Ends every session of the store: the answer to a leaked secret. Durable when it returns.
 *
 * Parameters: `engine`; `error`, may be NULL.
 * Returns: as sessile_revoke.
 * Threads: any.
 */
int32_t sessile_revoke_all(const struct sessile_engine *engine, struct sessile_error *error);

/**
 * Revokes whatever a client presents (RFC 7009): of a session or refresh token the session with
 * all that came of it, of an access token that token alone, an API key. What is no token, or
 * none of ours, or revoked already, is as good as revoked: nothing tells them apart.
 *
 * Parameters: `engine`; `token`, `token_len`; `error`, may be NULL.
 * Returns: SESSILE_OK. Others as sessile_revoke: answer with 503, so that the client tries again.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_revoke_presented(const struct sessile_engine *engine,
                                 const char *token,
                                 size_t token_len,
                                 struct sessile_error *error);

/**
 * Lets no session of a subject verify or be created, until that moment or until
 * sessile_reinstate. Durable when it returns.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `until_ms`, milliseconds since the Unix epoch,
 * 0: until reinstated; `error`, may be NULL.
 * Returns: as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_suspend(const struct sessile_engine *engine,
                        const char *subject,
                        size_t subject_len,
                        uint64_t until_ms,
                        struct sessile_error *error);

/**
 * Ends a suspension; sessions that were not revoked verify again. Durable when it returns.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `error`, may be NULL.
 * Returns: as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_reinstate(const struct sessile_engine *engine,
                          const char *subject,
                          size_t subject_len,
                          struct sessile_error *error);

/**
 * Says that what a subject may do has changed: its sessions stay and tell that their claims are
 * stale, its access tokens are SESSILE_REASON_STALE_CLAIMS. Durable when it returns.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `version`, learns the new claims version, may
 * be NULL; `error`, may be NULL.
 * Returns: as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_bump_claims(const struct sessile_engine *engine,
                            const char *subject,
                            size_t subject_len,
                            uint64_t *version,
                            struct sessile_error *error);

/**
 * How many valid sessions a subject has.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `count`; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_count(const struct sessile_engine *engine,
                      const char *subject,
                      size_t subject_len,
                      size_t *count,
                      struct sessile_error *error);

/**
 * Says whether a session token is valid now, and notes that its client was here.
 *
 * A cached session costs no store access, no allocation and no system call beyond reading the
 * clock. A token that was revoked before this call began is rejected.
 *
 * Parameters: `engine`; `token`, `token_len`, what the client presented, whatever it is;
 * `session`, filled with verdict and session; `error`, may be NULL.
 * Returns: SESSILE_OK, and then `session->reason` is the verdict. SESSILE_ERR_UNAVAILABLE,
 * SESSILE_ERR_CORRUPT: the store could not answer; do not let the client in, and do not clear
 * its cookie. SESSILE_ERR_CLOSED, SESSILE_ERR_FORKED, SESSILE_ERR_INVALID_INPUT.
 * Memory: the caller's.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_verify(const struct sessile_engine *engine,
                       const char *token,
                       size_t token_len,
                       struct sessile_session *session,
                       struct sessile_error *error);

/**
 * Says what sessile_verify would, without a touch: for polls and countdowns that must not keep a
 * session alive.
 *
 * Parameters, Returns, Memory, Threads: as sessile_verify.
 */
SESSILE_MUST_USE
int32_t sessile_peek(const struct sessile_engine *engine,
                     const char *token,
                     size_t token_len,
                     struct sessile_session *session,
                     struct sessile_error *error);

/**
 * Verifies the session cookie of a request. Give the whole value of its `Cookie` header, with
 * several joined by "; ".
 *
 * Up to four cookies of the name are tried, as another host of the domain may have planted one.
 * Two that are valid for different sessions are SESSILE_REASON_AMBIGUOUS.
 *
 * Parameters: `header`, `header_len`; (NULL, 0) is a request without the header. The others as
 * sessile_verify.
 * Returns: as sessile_verify. A request without the cookie is SESSILE_REASON_ABSENT.
 * Memory: the caller's.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_verify_cookie_header(const struct sessile_engine *engine,
                                     const char *header,
                                     size_t header_len,
                                     struct sessile_session *session,
                                     struct sessile_error *error);

/**
 * Says what sessile_verify_cookie_header would, without a touch.
 *
 * Parameters, Returns, Memory, Threads: as sessile_verify_cookie_header.
 */
SESSILE_MUST_USE
int32_t sessile_peek_cookie_header(const struct sessile_engine *engine,
                                   const char *header,
                                   size_t header_len,
                                   struct sessile_session *session,
                                   struct sessile_error *error);

/**
 * Verifies the session token of a request's `Authorization: Bearer` header (RFC 6750, 2.1).
 *
 * Parameters: `header`, `header_len`, the header's whole value; (NULL, 0) is a request without
 * it. The others as sessile_verify.
 * Returns: as sessile_verify. Another scheme, and no header, are SESSILE_REASON_ABSENT.
 * Memory: the caller's.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_verify_authorization_header(const struct sessile_engine *engine,
                                            const char *header,
                                            size_t header_len,
                                            struct sessile_session *session,
                                            struct sessile_error *error);

/**
 * Finds the token in an `Authorization: Bearer` header's value, for the functions that take an
 * access token or an API key.
 *
 * Parameters: `header`, `header_len`; `token`, `token_len`, where it is in the header: NULL and 0
 * when the header has another form; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT.
 * Memory: `token` lies inside `header` and has no zero at its end.
 * Threads: any.
 */
int32_t sessile_bearer_token(const char *header,
                             size_t header_len,
                             const char **token,
                             size_t *token_len,
                             struct sessile_error *error);

/**
 * The name of a status code, for logs: "ok", "invalid_input", "locked" and so on.
 *
 * Parameters: `status`, what another function returned; any number is allowed.
 * Returns: the name, or "unknown"; never NULL.
 * Memory: static text, never to be freed.
 * Threads: any.
 */
const char *sessile_status_name(int32_t status);

/**
 * The name of a rejection reason, for logs: "expired", "revoked_session" and so on.
 *
 * Tell the client "401" and no more: the reason helps whoever guesses tokens.
 *
 * Parameters: `reason`, SESSILE_VALID or one of SESSILE_REASON_...; any number is allowed.
 * Returns: the name, or "unknown"; never NULL.
 * Memory: static text, never to be freed.
 * Threads: any.
 */
const char *sessile_reason_name(int32_t reason);

/**
 * SESSILE_TOKEN_MAX of the library, for languages that cannot read the header.
 *
 * Returns: the number.
 * Threads: any.
 */
size_t sessile_token_max(void);

/**
 * The version of the library, as in "0.1.0". `SESSILE_VERSION` is that of the header.
 *
 * Returns: the version; never NULL.
 * Memory: static text, never to be freed.
 * Threads: any.
 */
const char *sessile_version(void);

/**
 * The version of the library as a number that grows: major << 16 | minor << 8 | patch.
 * `SESSILE_VERSION_NUMBER` is that of the header.
 *
 * Returns: the number.
 * Threads: any.
 */
uint32_t sessile_version_number(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SESSILE_H */
