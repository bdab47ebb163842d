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
 * Bytes of an API key's name with the zero at its end.
 */
#define SESSILE_API_KEY_NAME_MAX 256

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
 * Bytes that hold the cookies of a response, whatever the configuration: two, and the zeros at
 * their ends. With the default configuration 512 are enough.
 */
#define SESSILE_COOKIES_MAX 12288

/**
 * Bytes of an error's message with the zero at its end.
 */
#define SESSILE_ERROR_MESSAGE_MAX 256

/**
 * There is no event.
 */
#define SESSILE_EVENT_NONE 0

/**
 * A session was created: `handle`, `subject`.
 */
#define SESSILE_EVENT_CREATED 1

/**
 * The store has learnt that the client was here: `handle`.
 */
#define SESSILE_EVENT_TOUCHED 2

/**
 * The session ends soon, unless it is used: `handle`, `until_ms`.
 */
#define SESSILE_EVENT_EXPIRING_SOON 3

/**
 * The session's time ran out: `handle`.
 */
#define SESSILE_EVENT_EXPIRED 4

/**
 * The session has a new handle: `handle`, the one that it had; `other`, the new one; `subject`.
 */
#define SESSILE_EVENT_ROTATED 5

/**
 * A refresh token was used and replaced: `handle`; `count`, how many times so far.
 */
#define SESSILE_EVENT_REFRESHED 6

/**
 * A single-use token was used: `handle`.
 */
#define SESSILE_EVENT_CONSUMED 7

/**
 * The session was ended before its time: `handle`, `cause`.
 */
#define SESSILE_EVENT_REVOKED 8

/**
 * The session's data were changed: `handle`.
 */
#define SESSILE_EVENT_DATA_CHANGED 9

/**
 * All sessions of a subject were ended: `subject`; `other`, the one that stays if any.
 */
#define SESSILE_EVENT_SUBJECT_REVOKED 10

/**
 * The subject may have no sessions: `subject`; `until_ms`, 0: until reinstated.
 */
#define SESSILE_EVENT_SUSPENDED 11

/**
 * The subject may have sessions again: `subject`.
 */
#define SESSILE_EVENT_REINSTATED 12

/**
 * What the subject may do has changed: `subject`.
 */
#define SESSILE_EVENT_CLAIMS_CHANGED 13

/**
 * Every session of the store was ended.
 */
#define SESSILE_EVENT_ALL_REVOKED 14

/**
 * A key was published, activated or retired.
 */
#define SESSILE_EVENT_KEYS_CHANGED 15

/**
 * The subscriber was too slow, and `count` events are lost to it.
 */
#define SESSILE_EVENT_MISSED 16

/**
 * Something that this header does not know.
 */
#define SESSILE_EVENT_OTHER 17

/**
 * sessile_revoke.
 */
#define SESSILE_CAUSE_REVOKED 1

/**
 * sessile_create for a client that presented it.
 */
#define SESSILE_CAUSE_REPLACED 2

/**
 * It made room for a newer session of its subject.
 */
#define SESSILE_CAUSE_EVICTED 3

/**
 * sessile_revoke_subject.
 */
#define SESSILE_CAUSE_SUBJECT_REVOKED 4

/**
 * sessile_revoke_all.
 */
#define SESSILE_CAUSE_ALL_REVOKED 5

/**
 * The subject was suspended.
 */
#define SESSILE_CAUSE_SUSPENDED 6

/**
 * A deadline passed.
 */
#define SESSILE_CAUSE_EXPIRED 7

/**
 * A used token was presented again.
 */
#define SESSILE_CAUSE_REUSE 8

/**
 * Something that this header does not know.
 */
#define SESSILE_CAUSE_OTHER 9

/**
 * Bytes of a handle.
 */
#define SESSILE_HANDLE_LEN 18

/**
 * Bytes of a handle's text with the zero at its end.
 */
#define SESSILE_HANDLE_TEXT_MAX 25

/**
 * Known and verifying, but not signing yet.
 */
#define SESSILE_KEY_PUBLISHED 1

/**
 * Signing. One key is.
 */
#define SESSILE_KEY_ACTIVE 2

/**
 * No longer signing; what it signed is still good.
 */
#define SESSILE_KEY_VERIFYING 3

/**
 * What it signed is rejected. Its secret is erased.
 */
#define SESSILE_KEY_RETIRED 4

/**
 * Nothing: what is durable is gone with the process all the same.
 */
#define SESSILE_SURVIVES_NOTHING 0

/**
 * A crash or SIGKILL of the process, not a power loss.
 */
#define SESSILE_SURVIVES_PROCESS_CRASH 1

/**
 * A power loss.
 */
#define SESSILE_SURVIVES_POWER_LOSS 2

/**
 * Something needs a person.
 */
#define SESSILE_LOG_ERROR 1

/**
 * Something is not as it should be, and was dealt with.
 */
#define SESSILE_LOG_WARNING 2

/**
 * Something happened.
 */
#define SESSILE_LOG_INFO 3

/**
 * For whoever works on the library.
 */
#define SESSILE_LOG_DEBUG 4

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
 * The sessions of an export are revoked: what was revoked after it was made does not come back.
 */
#define SESSILE_RESTORED_REVOKED 0

/**
 * The sessions of an export are valid as they were: for a move from one store to another, with
 * nothing revoked in between.
 */
#define SESSILE_RESTORED_VALID 1

/**
 * Bytes that the library made: a long token, JSON, a payload.
 */
typedef struct sessile_bytes sessile_bytes;

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
 * The events of an engine, waiting to be taken.
 */
typedef struct sessile_events sessile_events;

/**
 * What there was when it was asked for. It does not change, and needs no engine any more.
 */
typedef struct sessile_list sessile_list;

/**
 * Ends when its session does, whatever ends it, but not when the session is rotated.
 */
typedef struct sessile_watch sessile_watch;

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
 * What goes into an access token beyond what the engine puts there. Begin with
 * SESSILE_ACCESS_OPTIONS_INIT: every member that is left at NULL or 0 adds nothing.
 */
typedef struct sessile_access_options {
  /**
   * sizeof(sessile_access_options), set by the caller.
   */
  size_t struct_size;
  /**
   * Audiences, separated by spaces, instead of the configuration's.
   */
  const char *audiences;
  /**
   * Their length.
   */
  size_t audiences_len;
  /**
   * The client that it is for: `client_id` (RFC 9068, 2.2).
   */
  const char *client;
  /**
   * Its length.
   */
  size_t client_len;
  /**
   * What it may be used for: `scope`, separated by spaces (RFC 8693, 4.2).
   */
  const char *scopes;
  /**
   * Their length.
   */
  size_t scopes_len;
  /**
   * Claims of the program's own: a JSON object.
   */
  const char *claims_json;
  /**
   * Its length.
   */
  size_t claims_json_len;
  /**
   * A shorter lifetime than the configuration's.
   */
  uint64_t lifetime_ms;
} sessile_access_options;

#define SESSILE_ACCESS_OPTIONS_INIT \
    { sizeof(sessile_access_options), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

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
 * What an API key is to be. Begin with SESSILE_API_KEY_OPTIONS_INIT; set `subject` and `name`.
 */
typedef struct sessile_api_key_options {
  /**
   * sizeof(sessile_api_key_options), set by the caller.
   */
  size_t struct_size;
  /**
   * Whose it is: 1 to 255 bytes of UTF-8.
   */
  const char *subject;
  /**
   * Its length.
   */
  size_t subject_len;
  /**
   * What its owner calls it: 1 to 255 bytes of UTF-8.
   */
  const char *name;
  /**
   * Its length.
   */
  size_t name_len;
  /**
   * What it may be used for, in the program's own words, separated by spaces: up to 64, 4 KiB.
   */
  const char *scopes;
  /**
   * Their length.
   */
  size_t scopes_len;
  /**
   * How long it is good: 1 second to 10 years. 0: until it is revoked.
   */
  uint64_t lifetime_ms;
  /**
   * 1: it stays when all sessions of its subject are ended.
   */
  uint64_t is_outliving_sessions;
} sessile_api_key_options;

#define SESSILE_API_KEY_OPTIONS_INIT \
    { sizeof(sessile_api_key_options), 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * An API key, and whether it is good. Begin with SESSILE_API_KEY_INIT. Only if `reason` is
 * SESSILE_VALID do the others say anything.
 */
typedef struct sessile_api_key {
  /**
   * sizeof(sessile_api_key), set by the caller.
   */
  size_t struct_size;
  /**
   * SESSILE_VALID, or one of SESSILE_REASON_...; after a failure SESSILE_REASON_UNANSWERED.
   */
  int32_t reason;
  /**
   * How often this process has verified it within the last minute or so, this time included:
   * for a limit on its rate. 0 in a list.
   */
  uint32_t uses_this_minute;
  /**
   * When it was made, in milliseconds since the Unix epoch.
   */
  uint64_t created_ms;
  /**
   * Until when it is good; 0: until it is revoked.
   */
  uint64_t deadline_ms;
  /**
   * When it was used last, kept to a minute; 0: never.
   */
  uint64_t last_used_ms;
  /**
   * Bytes of the subject without the zero.
   */
  size_t subject_len;
  /**
   * Bytes of the name without the zero.
   */
  size_t name_len;
  /**
   * Its public name: what sessile_revoke_api_key takes.
   */
  struct sessile_handle handle;
  /**
   * Not used yet.
   */
  uint8_t reserved[6];
  /**
   * Whose it is: UTF-8 with a zero at its end.
   */
  char subject[SESSILE_SUBJECT_MAX];
  /**
   * What its owner calls it: UTF-8 with a zero at its end.
   */
  char name[SESSILE_API_KEY_NAME_MAX];
} sessile_api_key;

#define SESSILE_API_KEY_INIT \
    { sizeof(sessile_api_key), SESSILE_REASON_UNANSWERED, 0, 0, 0, 0, 0, 0, {{0}}, {0}, {0}, {0} }

/**
 * Says what time it is: milliseconds since the Unix epoch. Called from any thread, several at
 * once; it may jump or run backwards, the engine's own time does not.
 */
typedef uint64_t (*sessile_clock_fn)(void *userdata);

/**
 * Is told that its userdata is not used any more. May be NULL.
 */
typedef void (*sessile_destroy_fn)(void *userdata);

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
 * One change of a session's data. It never grows, so it has no `struct_size`.
 */
typedef struct sessile_change {
  /**
   * The name: UTF-8, 1 to 255 bytes.
   */
  const char *name;
  /**
   * Its length.
   */
  size_t name_len;
  /**
   * What is to be under it, whatever bytes these are; NULL: nothing any more.
   */
  const char *value;
  /**
   * Its length.
   */
  size_t value_len;
} sessile_change;

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
 * Something that happened. It names handles and subjects, never a token. Begin with
 * SESSILE_EVENT_INIT. What the kind does not name is zero.
 */
typedef struct sessile_event {
  /**
   * sizeof(sessile_event), set by the caller.
   */
  size_t struct_size;
  /**
   * One of SESSILE_EVENT_...
   */
  int32_t kind;
  /**
   * One of SESSILE_CAUSE_..., of SESSILE_EVENT_REVOKED.
   */
  int32_t cause;
  /**
   * When, by the engine's clock, in milliseconds since the Unix epoch.
   */
  uint64_t at_ms;
  /**
   * A deadline.
   */
  uint64_t until_ms;
  /**
   * A number.
   */
  uint64_t count;
  /**
   * Bytes of the subject without the zero; 0: none, or anonymous.
   */
  size_t subject_len;
  /**
   * A session, or a single-use token.
   */
  struct sessile_handle handle;
  /**
   * Another session.
   */
  struct sessile_handle other;
  /**
   * A subject: UTF-8 with a zero at its end.
   */
  char subject[SESSILE_SUBJECT_MAX];
  /**
   * Not used yet.
   */
  uint8_t reserved[4];
} sessile_event;

#define SESSILE_EVENT_INIT \
    { sizeof(sessile_event), 0, 0, 0, 0, 0, 0, {{0}}, {{0}}, {0}, {0} }

/**
 * Is told of an event. The event is the library's and good during the call. Called by one thread
 * at a time; it must be short, may call the engine, and must not close it.
 */
typedef void (*sessile_event_fn)(void *userdata, const struct sessile_event *event);

/**
 * What an engine has done so far. Begin with SESSILE_STATS_INIT.
 */
typedef struct sessile_stats {
  /**
   * sizeof(sessile_stats), set by the caller.
   */
  size_t struct_size;
  /**
   * The store's name, with a zero at its end.
   */
  char store[16];
  /**
   * What a durable change survives: one of SESSILE_SURVIVES_...
   */
  int32_t survives;
  /**
   * Not used yet.
   */
  uint32_t reserved;
  /**
   * Sessions in the cache.
   */
  uint64_t cached_sessions;
  /**
   * Bytes that they and the API keys in the cache take.
   */
  uint64_t cached_bytes;
  /**
   * Verifications that the cache answered; a few may be missing.
   */
  uint64_t cache_hits;
  /**
   * Verifications that it did not; a few may be missing.
   */
  uint64_t cache_misses;
  /**
   * Sessions that left the cache to make room.
   */
  uint64_t cache_evictions;
  /**
   * Rows that could not be read, and whose sessions are therefore rejected.
   */
  uint64_t unreadable_records;
  /**
   * Touches that the store has yet to learn of.
   */
  uint64_t pending_touches;
} sessile_stats;

#define SESSILE_STATS_INIT \
    { sizeof(sessile_stats), {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

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

/**
 * Is given a line of the log: UTF-8 with a zero at its end, good during the call. Called from any
 * thread, several at once; it must be short and must not call the library.
 */
typedef void (*sessile_log_fn)(void *userdata, int32_t level, const char *text, size_t text_len);

/**
 * What a client asks of a refresh. Begin with SESSILE_REFRESH_REQUEST_INIT: all that was granted,
 * to a family that is bound to no client.
 */
typedef struct sessile_refresh_request {
  /**
   * sizeof(sessile_refresh_request), set by the caller.
   */
  size_t struct_size;
  /**
   * The client that asks, as the program has authenticated it.
   */
  const char *client;
  /**
   * Its length.
   */
  size_t client_len;
  /**
   * Scopes, separated by spaces, instead of all that were granted.
   */
  const char *scopes;
  /**
   * Their length.
   */
  size_t scopes_len;
  /**
   * Audiences, separated by spaces, instead of all that were granted.
   */
  const char *audiences;
  /**
   * Their length.
   */
  size_t audiences_len;
} sessile_refresh_request;

#define SESSILE_REFRESH_REQUEST_INIT \
    { sizeof(sessile_refresh_request), 0, 0, 0, 0, 0, 0 }

/**
 * What came of a refresh. Begin with SESSILE_REFRESHED_INIT, end with sessile_refreshed_clear.
 */
typedef struct sessile_refreshed {
  /**
   * sizeof(sessile_refreshed), set by the caller.
   */
  size_t struct_size;
  /**
   * The access token, if the configuration has them and the session a subject; else NULL.
   */
  struct sessile_bytes *access_token;
  /**
   * The scopes that were asked for and granted, separated by spaces.
   */
  struct sessile_bytes *scopes;
  /**
   * The audiences that were asked for and granted, separated by spaces.
   */
  struct sessile_bytes *audiences;
  /**
   * Until when the access token is good; 0 without one.
   */
  uint64_t access_deadline_ms;
  /**
   * How many rotations there were.
   */
  uint32_t generation;
  /**
   * 1: the token was replaced already, a moment ago or by an answer that never arrived, and
   * this is the same successor again.
   */
  uint32_t is_replay;
  /**
   * The token for the next refresh, with a zero at its end.
   */
  char refresh_token[SESSILE_TOKEN_MAX];
} sessile_refreshed;

#define SESSILE_REFRESHED_INIT \
    { sizeof(sessile_refreshed), 0, 0, 0, 0, 0, 0, {0} }

/**
 * What changes with a rotation, beside handle and token. Begin with SESSILE_ROTATE_OPTIONS_INIT:
 * every member that is left at NULL or 0 changes nothing.
 */
typedef struct sessile_rotate_options {
  /**
   * sizeof(sessile_rotate_options), set by the caller.
   */
  size_t struct_size;
  /**
   * The anonymous session becomes one of this subject, who has just proved who it is: a login
   * that keeps the session's data. 1 to 255 bytes of UTF-8.
   */
  const char *subject;
  /**
   * Its length.
   */
  size_t subject_len;
  /**
   * Another device label. Up to 255 bytes.
   */
  const char *device_label;
  /**
   * Its length.
   */
  size_t device_label_len;
  /**
   * How the subject has just proved who it is: "pwd otp". The absolute deadline begins anew.
   */
  const char *amr;
  /**
   * Its length.
   */
  size_t amr_len;
  /**
   * The class of that authentication.
   */
  const char *acr;
  /**
   * Its length.
   */
  size_t acr_len;
  /**
   * 1: the subject has just proved who it is, also if neither `amr` nor `acr` says how.
   */
  uint64_t is_authenticated;
  /**
   * How long it lives unused from now on. Set both lifetimes or none.
   */
  uint64_t idle_timeout_ms;
  /**
   * How long it lives at all from now on; counts only with an authentication.
   */
  uint64_t absolute_lifetime_ms;
  /**
   * 1: `grace_ms` instead of the configuration's.
   */
  uint64_t has_grace;
  /**
   * How long the old token still answers, read-only: 0 to 5 minutes.
   */
  uint64_t grace_ms;
} sessile_rotate_options;

#define SESSILE_ROTATE_OPTIONS_INIT \
    { sizeof(sessile_rotate_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * What a single-use token is to be. Begin with SESSILE_SINGLE_USE_OPTIONS_INIT and set `purpose`.
 */
typedef struct sessile_single_use_options {
  /**
   * sizeof(sessile_single_use_options), set by the caller.
   */
  size_t struct_size;
  /**
   * What alone it is good for: `password-reset`. 1 to 64 bytes.
   */
  const char *purpose;
  /**
   * Its length.
   */
  size_t purpose_len;
  /**
   * For whom it is: it stands and falls with the subject's sessile_revoke_subject and
   * sessile_suspend. NULL: for nobody in particular.
   */
  const char *subject;
  /**
   * Its length.
   */
  size_t subject_len;
  /**
   * What comes back when it is used: up to 16 KiB, kept in the store and not in the token.
   */
  const char *payload;
  /**
   * Its length.
   */
  size_t payload_len;
  /**
   * How long it is good: 1 second to 7 days. 0: 15 minutes.
   */
  uint64_t lifetime_ms;
  /**
   * 1: it takes the place of older ones of its subject and purpose.
   */
  uint64_t is_superseding;
} sessile_single_use_options;

#define SESSILE_SINGLE_USE_OPTIONS_INIT \
    { sizeof(sessile_single_use_options), 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * What a single-use token stands for, and whether it is good. Begin with
 * SESSILE_SINGLE_USE_INIT. Only if `reason` is SESSILE_VALID do the others say anything.
 */
typedef struct sessile_single_use {
  /**
   * sizeof(sessile_single_use), set by the caller.
   */
  size_t struct_size;
  /**
   * SESSILE_VALID, or one of SESSILE_REASON_...; after a failure SESSILE_REASON_UNANSWERED.
   */
  int32_t reason;
  /**
   * Not used yet.
   */
  uint32_t reserved;
  /**
   * When it was made, in milliseconds since the Unix epoch.
   */
  uint64_t created_ms;
  /**
   * Until when it is good.
   */
  uint64_t deadline_ms;
  /**
   * Bytes of the subject without the zero; 0: for nobody in particular.
   */
  size_t subject_len;
  /**
   * Its public name.
   */
  struct sessile_handle handle;
  /**
   * Not used yet.
   */
  uint8_t reserved_2[6];
  /**
   * For whom it was made: UTF-8 with a zero at its end.
   */
  char subject[SESSILE_SUBJECT_MAX];
} sessile_single_use;

#define SESSILE_SINGLE_USE_INIT \
    { sizeof(sessile_single_use), SESSILE_REASON_UNANSWERED, 0, 0, 0, 0, {{0}}, {0}, {0} }

/**
 * Takes the next bytes of an export, all of them. Returns 0; anything else ends the export.
 */
typedef int32_t (*sessile_write_fn)(void *userdata, const char *data, size_t len);

/**
 * Gives the next bytes of an export, `cap` at most, and says in `len` how many; 0 at the end.
 * Returns 0; anything else ends the restore.
 */
typedef int32_t (*sessile_read_fn)(void *userdata, char *data, size_t cap, size_t *len);

/**
 * Is told why the session ended: one of SESSILE_REASON_... Called once, from the thread that ends
 * the session or from the maintenance thread. It must be short; it may ask the engine, but must
 * not log anybody in; it may free its watch.
 */
typedef void (*sessile_watch_fn)(void *userdata, int32_t reason);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Mints an access token (a JWT, RFC 9068) for a session: it stands and falls with the session,
 * and is SESSILE_REASON_STALE_CLAIMS once the subject's claims change.
 *
 * Parameters: `engine`; `session`, its handle; `options`, or NULL; `token`, written on success;
 * `deadline_ms`, learns until when it is good, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_CONFIG: access tokens are not configured.
 * SESSILE_ERR_SESSION_GONE: no valid session, or it was rotated. SESSILE_ERR_INVALID_INPUT: the
 * session is anonymous, or a claim cannot be written. SESSILE_ERR_TOO_LARGE. Store errors.
 * Memory: `*token` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_issue_access(const struct sessile_engine *engine,
                             const struct sessile_handle *session,
                             const struct sessile_access_options *options,
                             struct sessile_bytes **token,
                             uint64_t *deadline_ms,
                             struct sessile_error *error);

/**
 * Says whether an access token of this engine is good: signature, kind, issuer, audience and
 * time, and that neither it nor its session nor its subject was revoked since. Its client counts
 * as seen.
 *
 * Parameters: `engine`; `token`, `token_len`; `session`, filled with verdict and session;
 * `claims_json`, written with its claims if it is valid, may be NULL; `error`, may be NULL.
 * Returns: as sessile_verify, and SESSILE_ERR_INVALID_CONFIG: access tokens are not configured.
 * Memory: `*claims_json` is freed with sessile_bytes_free.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_verify_access(const struct sessile_engine *engine,
                              const char *token,
                              size_t token_len,
                              struct sessile_session *session,
                              struct sessile_bytes **claims_json,
                              struct sessile_error *error);

/**
 * Denies one access token: it is SESSILE_REASON_DENIED from the moment this returns. Its session
 * stays.
 *
 * Parameters: `engine`; `token`, `token_len`; `was_good`, learns whether it was good until now, 1
 * or 0, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_TOO_LARGE: 256 tokens of the session are denied already:
 * revoke the session instead. Others as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_deny_access(const struct sessile_engine *engine,
                            const char *token,
                            size_t token_len,
                            int32_t *was_good,
                            struct sessile_error *error);

/**
 * Makes an API key. Durable when it returns.
 *
 * Parameters: `engine`; `options`; `token`, `token_cap`, gets the key's text, which is shown to
 * its owner once and kept nowhere: SESSILE_TOKEN_MAX is enough; `made`, learns the key's handle,
 * may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
 * SESSILE_ERR_BUFFER_TOO_SMALL: nothing was made. Other store errors: nothing that anybody has.
 * Memory: the caller's. The token ends with a zero.
 * Threads: any.
 */
int32_t sessile_create_api_key(const struct sessile_engine *engine,
                               const struct sessile_api_key_options *options,
                               char *token,
                               size_t token_cap,
                               struct sessile_handle *made,
                               struct sessile_error *error);

/**
 * Says whether an API key is good. Once cached it costs no store access.
 *
 * Parameters: `engine`; `token`, `token_len`, what the client presented; `key`, filled; `scopes`,
 * written with what it may be used for, separated by spaces, if it is valid, may be NULL;
 * `error`, may be NULL.
 * Returns: SESSILE_OK, and then `key->reason` is the verdict. Others as sessile_verify.
 * Memory: `*scopes` is freed with sessile_bytes_free.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_verify_api_key(const struct sessile_engine *engine,
                               const char *token,
                               size_t token_len,
                               struct sessile_api_key *key,
                               struct sessile_bytes **scopes,
                               struct sessile_error *error);

/**
 * Lists the API keys of a subject that are good, the oldest first.
 *
 * Parameters: `engine`; `subject`, `subject_len`; `list`, written on success; `error`, may be
 * NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE, SESSILE_ERR_CORRUPT: not known.
 * Memory: `*list` is freed with sessile_list_free.
 * Threads: any.
 */
int32_t sessile_list_api_keys(const struct sessile_engine *engine,
                              const char *subject,
                              size_t subject_len,
                              struct sessile_list **list,
                              struct sessile_error *error);

/**
 * One of a list of API keys.
 *
 * Parameters: `list`, from sessile_list_api_keys; `index`, below sessile_list_len; `key`, filled;
 * `scopes`, written with what it may be used for, separated by spaces, may be NULL; `error`, may
 * be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
 * Memory: `*scopes` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_list_api_key(const struct sessile_list *list,
                             size_t index,
                             struct sessile_api_key *key,
                             struct sessile_bytes **scopes,
                             struct sessile_error *error);

/**
 * Ends an API key. Every verification that starts after this returned rejects it.
 *
 * Parameters: `engine`; `key`, its handle; `was_good`, learns whether it was good until now, 1 or
 * 0, may be NULL; `error`, may be NULL.
 * Returns: as sessile_revoke.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_revoke_api_key(const struct sessile_engine *engine,
                               const struct sessile_handle *key,
                               int32_t *was_good,
                               struct sessile_error *error);

/**
 * The bytes, with a zero behind the last: a text can be used as it is.
 *
 * Parameters: `bytes`, NULL has none.
 * Returns: the first byte; never NULL.
 * Memory: freed with `bytes`.
 * Threads: any.
 */
const char *sessile_bytes_data(const struct sessile_bytes *bytes);

/**
 * How many bytes there are, without the zero.
 *
 * Parameters: `bytes`, NULL has none.
 * Returns: the number.
 * Threads: any.
 */
size_t sessile_bytes_len(const struct sessile_bytes *bytes);

/**
 * Frees bytes, and clears them first: they may be a token.
 *
 * Parameters: `bytes`, NULL is fine.
 * Memory: `bytes` is not to be used again.
 * Threads: any.
 */
void sessile_bytes_free(struct sessile_bytes *bytes);

/**
 * Takes the time from the program instead of the system: for tests, and programs with a clock of
 * their own.
 *
 * Parameters: `config`; `now_ms`; `userdata`, its argument; `destroy`, called once with
 * `userdata` when neither the config nor an engine of it needs the clock any more, and when this
 * call fails; may be NULL.
 * Returns: as sessile_config_idle_timeout_ms.
 * Memory: `userdata` is the library's until `destroy`.
 * Threads: any; a config one thread at a time. `now_ms` must not call the library.
 */
int32_t sessile_config_clock(struct sessile_config *config,
                             sessile_clock_fn now_ms,
                             void *userdata,
                             sessile_destroy_fn destroy);

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
 * The `Set-Cookie` values for a session that was just created or rotated: the session cookie and
 * its companion, which tells scripts how long the session has left.
 *
 * The buffer gets the values one after the other, each with a zero at its end, and an empty one
 * behind the last. Send each in a `Set-Cookie` header of its own:
 *
 *     for (const char *v = cookies; *v; v += strlen(v) + 1) { add_header("Set-Cookie", v); }
 *
 * Parameters: `engine`; `session`, `tokens`, as sessile_create or sessile_rotate filled them;
 * `cookies`, `cookies_cap`, the buffer and its size; `cookies_len`, learns how many bytes were
 * written without the last zero, or are needed, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. SESSILE_ERR_INVALID_INPUT: the session is
 * not valid, or has ended meanwhile.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_set_cookies(const struct sessile_engine *engine,
                            const struct sessile_session *session,
                            const struct sessile_tokens *tokens,
                            char *cookies,
                            size_t cookies_cap,
                            size_t *cookies_len,
                            struct sessile_error *error);

/**
 * The `Set-Cookie` values for the response to a request that was verified: the companion, and
 * the session cookie itself when its token is under an old key or less than half is left of its
 * Max-Age. None for a session that is not valid, and none for a token from before a rotation: the
 * new one is on its way. Keeps no session alive.
 *
 * Parameters: `header`, `header_len`, the request's `Cookie` header as
 * sessile_verify_cookie_header took it; the others as sessile_set_cookies.
 * Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. Others as sessile_peek: then leave the
 * client's cookies alone.
 * Memory: the caller's. The buffer is written as by sessile_set_cookies.
 * Threads: any.
 */
int32_t sessile_renew_cookies(const struct sessile_engine *engine,
                              const char *header,
                              size_t header_len,
                              char *cookies,
                              size_t cookies_cap,
                              size_t *cookies_len,
                              struct sessile_error *error);

/**
 * The `Set-Cookie` values that make the browser forget both cookies: after a revoke, and for a
 * token that was rejected. Never after an error.
 *
 * Parameters: as sessile_set_cookies.
 * Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL.
 * Memory: the caller's. The buffer is written as by sessile_set_cookies.
 * Threads: any.
 */
int32_t sessile_clear_cookies(const struct sessile_engine *engine,
                              char *cookies,
                              size_t cookies_cap,
                              size_t *cookies_len,
                              struct sessile_error *error);

/**
 * A CSRF token for the pages of a session (synchroniser token). Another text at each call, all
 * good until the session's handle changes. No store access.
 *
 * Parameters: `engine`; `session`, its handle; `token`, `token_cap`: SESSILE_TOKEN_MAX is enough;
 * `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_BUFFER_TOO_SMALL. SESSILE_ERR_NO_RANDOMNESS.
 * Memory: the caller's. The token ends with a zero.
 * Threads: any.
 */
int32_t sessile_csrf_token(const struct sessile_engine *engine,
                           const struct sessile_handle *session,
                           char *token,
                           size_t token_cap,
                           struct sessile_error *error);

/**
 * Says whether a request for a session brought a CSRF token of it. Verify the session first: this
 * says nothing of its being valid.
 *
 * Parameters: `engine`; `session`, its handle; `presented`, `presented_len`; `is_token`, learns 1
 * or 0; `error`, may be NULL.
 * Returns: SESSILE_OK, and then look at `*is_token`. On any failure that is 0.
 * Memory: the caller's.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_is_csrf_token(const struct sessile_engine *engine,
                              const struct sessile_handle *session,
                              const char *presented,
                              size_t presented_len,
                              int32_t *is_token,
                              struct sessile_error *error);

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
 * Changes some of a session's values and leaves the others as they are: two requests never lose
 * each other's. Durable when it returns.
 *
 * Parameters: `engine`; `session`, its handle; `changes`, `changes_len` of them, made together or
 * not at all; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session, or it was rotated.
 * SESSILE_ERR_TOO_LARGE, SESSILE_ERR_INVALID_INPUT: a name or the data are beyond their limit.
 * SESSILE_ERR_CONFLICT. In all of these nothing was changed. SESSILE_ERR_OUTCOME_UNKNOWN. Other
 * store errors.
 * Memory: what is given is copied.
 * Threads: any.
 */
int32_t sessile_data_patch(const struct sessile_engine *engine,
                           const struct sessile_handle *session,
                           const struct sessile_change *changes,
                           size_t changes_len,
                           struct sessile_error *error);

/**
 * One value of a session's data.
 *
 * Parameters: `engine`; `session`, its handle; `name`, `name_len`; `value`, written on success:
 * NULL when there is none of that name; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session. Store errors: not known.
 * Memory: `*value` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_data_get(const struct sessile_engine *engine,
                         const struct sessile_handle *session,
                         const char *name,
                         size_t name_len,
                         struct sessile_bytes **value,
                         struct sessile_error *error);

/**
 * All of a session's data, in the order of the names.
 *
 * Parameters: `engine`; `session`, its handle; `list`, written on success; `error`, may be NULL.
 * Returns: as sessile_data_get.
 * Memory: `*list` is freed with sessile_list_free.
 * Threads: any.
 */
int32_t sessile_data_list(const struct sessile_engine *engine,
                          const struct sessile_handle *session,
                          struct sessile_list **list,
                          struct sessile_error *error);

/**
 * One of a list of data.
 *
 * Parameters: `list`, from sessile_data_list; `index`, below sessile_list_len; `name`,
 * `name_len`, `value`, `value_len`, each may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
 * Memory: name and value are in the list, and freed with it. They have no zero at their ends.
 * Threads: any.
 */
int32_t sessile_list_data(const struct sessile_list *list,
                          size_t index,
                          const char **name,
                          size_t *name_len,
                          const char **value,
                          size_t *value_len,
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
 * Tells of what happens to sessions from now on, in order for each session: to be taken with
 * sessile_events_next, in a loop or when sessile_events_fd is readable.
 *
 * A subscriber that is 8,192 events behind loses the next ones and is told how many; it slows
 * nobody down. That a session expires is found by the maintenance thread or sessile_tick, and so
 * up to a second late.
 *
 * Parameters: `engine`; `events`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE: no pipe could be made.
 * Memory: `*events` is freed with sessile_events_free, before or after the engine.
 * Threads: any; one `events` one thread at a time.
 */
int32_t sessile_subscribe(const struct sessile_engine *engine,
                          struct sessile_events **events,
                          struct sessile_error *error);

/**
 * The next event.
 *
 * Parameters: `events`; `timeout_ms`, how long to wait for one: 0 in an event loop; `event`,
 * filled, with SESSILE_EVENT_NONE when none came; `error`, may be NULL.
 * Returns: SESSILE_OK. After the engine was closed and the last event taken there is none, and
 * nothing is waited for.
 * Memory: the caller's.
 * Threads: one `events` one thread at a time.
 */
int32_t sessile_events_next(struct sessile_events *events,
                            uint64_t timeout_ms,
                            struct sessile_event *event,
                            struct sessile_error *error);

/**
 * A descriptor that is readable while there are events, for poll, epoll and the like. Do not
 * read it: call sessile_events_next until there are none.
 *
 * Parameters: `events`.
 * Returns: the descriptor; -1 when `events` is NULL.
 * Memory: it is closed by sessile_events_free.
 * Threads: any.
 */
int32_t sessile_events_fd(const struct sessile_events *events);

/**
 * Ends a subscription.
 *
 * Parameters: `events`, NULL is fine.
 * Memory: `events` is not to be used again, nor is its descriptor.
 * Threads: one `events` one thread at a time.
 */
void sessile_events_free(struct sessile_events *events);

/**
 * Calls back with every event from now on, in order: from a thread of the library's, or from
 * sessile_tick for a config with sessile_config_no_threads. The last call comes before
 * sessile_close returns.
 *
 * Parameters: `engine`; `callback`; `userdata`, its argument; `destroy`, called once with
 * `userdata` after the last call, and when this fails; may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_UNAVAILABLE: no thread could be started.
 * Memory: `userdata` is the library's until `destroy`.
 * Threads: any.
 */
int32_t sessile_on_event(const struct sessile_engine *engine,
                         sessile_event_fn callback,
                         void *userdata,
                         sessile_destroy_fn destroy,
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
 * Lists the signing keys, oldest first; never their secrets.
 *
 * Parameters: `engine`; `list`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK.
 * Memory: `*list` is freed with sessile_list_free.
 * Threads: any.
 */
int32_t sessile_list_keys(const struct sessile_engine *engine,
                          struct sessile_list **list,
                          struct sessile_error *error);

/**
 * One of a list of signing keys.
 *
 * Parameters: `list`, from sessile_list_keys; `index`, below sessile_list_len; `id`, the second
 * byte of the tokens that it signs, `state`, one of SESSILE_KEY_..., `since_ms`, since when,
 * each may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK; SESSILE_ERR_INVALID_INPUT: no such index, or the list is of other things.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_list_key(const struct sessile_list *list,
                         size_t index,
                         uint8_t *id,
                         int32_t *state,
                         uint64_t *since_ms,
                         struct sessile_error *error);

/**
 * Adds a key that verifies but does not sign yet: where several processes share the store,
 * publish first and activate once all of them know it. Durable when it returns.
 *
 * Parameters: `engine`; `id`, learns the key's, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: 255 keys are in use.
 * SESSILE_ERR_OUTCOME_UNKNOWN: the change may be there after a reopen. Other store errors:
 * nothing was changed.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_publish_key(const struct sessile_engine *engine,
                            uint8_t *id,
                            struct sessile_error *error);

/**
 * Makes `id` the key that signs. The one that did goes on verifying. Durable when it returns.
 *
 * Parameters: `engine`; `id`; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_NO_SUCH_KEY: unknown, or retired. Others as
 * sessile_publish_key.
 * Threads: any.
 */
int32_t sessile_activate_key(const struct sessile_engine *engine,
                             uint8_t id,
                             struct sessile_error *error);

/**
 * Publishes a key and activates it at once.
 *
 * Parameters: as sessile_publish_key.
 * Returns: as sessile_publish_key.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_rotate_key(const struct sessile_engine *engine,
                           uint8_t *id,
                           struct sessile_error *error);

/**
 * Retires a key: every token under it is rejected from the moment this returns, and its secret
 * is erased. The answer to a leaked key, once another is active.
 *
 * Parameters: `engine`; `id`; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: it is the active one. SESSILE_ERR_NO_SUCH_KEY.
 * SESSILE_ERR_OUTCOME_UNKNOWN: this process rejects the key from now on; whether that survives a
 * restart is not known. Others as sessile_publish_key.
 * Threads: any.
 */
int32_t sessile_retire_key(const struct sessile_engine *engine,
                           uint8_t id,
                           struct sessile_error *error);

/**
 * Publishes a key that signs access tokens with a key made elsewhere: activate it once all that
 * verify know it.
 *
 * Parameters: `engine`; `pem`, `pem_len`, a private key in PKCS#8; `id`, learns the key's, may be
 * NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_WEAK_SECRET: the key does not do.
 * Others as sessile_publish_key.
 * Memory: what is given is copied.
 * Threads: any.
 */
int32_t sessile_import_key(const struct sessile_engine *engine,
                           const char *pem,
                           size_t pem_len,
                           uint8_t *id,
                           struct sessile_error *error);

/**
 * The public keys of the access tokens, for `/.well-known/jwks.json`: those that sign, will sign,
 * or have signed and are not retired. Without keys for HS256.
 *
 * Parameters: `engine`; `json`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK.
 * Memory: `*json` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_jwks(const struct sessile_engine *engine,
                     struct sessile_bytes **json,
                     struct sessile_error *error);

/**
 * What the engine has done so far.
 *
 * Parameters: `engine`; `stats`, filled; `error`, may be NULL.
 * Returns: SESSILE_OK.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_stats_read(const struct sessile_engine *engine,
                           struct sessile_stats *stats,
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
 * Gives the log to the program. It is one log for all engines of the process: without this call
 * there is none. A token, a key or session data is never in it.
 *
 * Parameters: `callback`, NULL: none any more; `userdata`, its argument; `destroy`, called once
 * with `userdata` when it is not used any more, and when this fails; may be NULL; `level`, the
 * highest of SESSILE_LOG_... that is wanted; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_CONFLICT: the library is linked into a Rust program that has a
 * logger of its own, to which the log goes.
 * Memory: `userdata` is the library's until `destroy`.
 * Threads: any. A call may be under way in another thread when this returns; `destroy` comes
 * after it.
 */
int32_t sessile_log_to(sessile_log_fn callback,
                       void *userdata,
                       sessile_destroy_fn destroy,
                       int32_t level,
                       struct sessile_error *error);

/**
 * Takes a refresh token and gives the next, in one durable step; the session counts as used.
 *
 * The newest token of a session is replaced. The one before it gets the same successor again if
 * that never arrived, or within the configured grace. Anything older is SESSILE_REASON_REUSED:
 * somebody has a copy, and the session with all that came of it ended before this returned.
 *
 * Parameters: `engine`; `token`, `token_len`, what the client presented; `request`, or NULL;
 * `session`, filled with verdict and session; `refreshed`, filled if the verdict is
 * SESSILE_VALID; `error`, may be NULL.
 * Returns: SESSILE_OK, and then `session->reason` is the verdict. SESSILE_ERR_OUTCOME_UNKNOWN: let
 * the client ask again with the same token. Other store errors: nothing was changed.
 * Memory: what `refreshed` points to is freed with sessile_refreshed_clear. Clear it before it is
 * filled again.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_refresh(const struct sessile_engine *engine,
                        const char *token,
                        size_t token_len,
                        const struct sessile_refresh_request *request,
                        struct sessile_session *session,
                        struct sessile_refreshed *refreshed,
                        struct sessile_error *error);

/**
 * Frees what a refresh gave, and leaves the struct as SESSILE_REFRESHED_INIT does.
 *
 * Parameters: `refreshed`, NULL is fine.
 * Memory: the struct is the caller's.
 * Threads: any.
 */
void sessile_refreshed_clear(struct sessile_refreshed *refreshed);

/**
 * Notes that the client presented something that it got with this generation: then it has the
 * refresh token of that, too, and the one before is good for the grace only. The engine's own
 * access tokens do so by themselves; this is for programs that mint others.
 *
 * Parameters: `engine`; `session`, its handle; `generation`, from sessile_refreshed; `error`, may
 * be NULL.
 * Returns: SESSILE_OK.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_confirm_refresh(const struct sessile_engine *engine,
                                const struct sessile_handle *session,
                                uint32_t generation,
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
 * Gives a session a new handle and token, and changes what `options` say in the same durable
 * step. To be called at every login and change of privilege, so that a token from before is
 * worth no more than it was; and when `is_rotation_due`.
 *
 * The old token answers for the configured grace: it shows the session as it was, and changes
 * nothing. Two requests that rotate one session at once get the same new token.
 *
 * Parameters: `engine`; `from`, the session's handle; `options`, or NULL; `session`, filled with
 * the session under its new handle, may be NULL; `tokens`, filled; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no valid session. SESSILE_ERR_INVALID_INPUT:
 * the session is another subject's, or an anonymous one is to be authenticated without a subject.
 * SESSILE_ERR_CONFLICT, SESSILE_ERR_INVALID_CONFIG, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
 * SESSILE_ERR_TOO_MANY_SESSIONS. In all of these nothing was changed.
 * SESSILE_ERR_OUTCOME_UNKNOWN: keep to the old token. Other store errors.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_rotate(const struct sessile_engine *engine,
                       const struct sessile_handle *from,
                       const struct sessile_rotate_options *options,
                       struct sessile_session *session,
                       struct sessile_tokens *tokens,
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
 * Signs a value for a purpose: a download link, a form's hidden field. Whoever has the text can
 * read it and not change it. Nothing is stored, so nothing can be revoked but the key.
 *
 * Parameters: `engine`; `purpose`, `purpose_len`, 1 to 64 bytes; `payload`, `payload_len`, up to
 * 1 MiB; `signed_text`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE.
 * Memory: `*signed_text` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_sign(const struct sessile_engine *engine,
                     const char *purpose,
                     size_t purpose_len,
                     const char *payload,
                     size_t payload_len,
                     struct sessile_bytes **signed_text,
                     struct sessile_error *error);

/**
 * The value of a text that sessile_sign gave for the same purpose less than `max_age_ms` ago, or
 * why it gives none.
 *
 * Parameters: `engine`; `purpose`, `purpose_len`; `signed_text`, `signed_text_len`, what came
 * back; `max_age_ms`; `reason`, the verdict: SESSILE_VALID or one of SESSILE_REASON_..., and on
 * any failure SESSILE_REASON_UNANSWERED; `payload`, written if it is valid, may be NULL;
 * `signed_at_ms`, when it was signed, written if it is valid, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK, and then look at `*reason`.
 * Memory: `*payload` is freed with sessile_bytes_free.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_unsign(const struct sessile_engine *engine,
                       const char *purpose,
                       size_t purpose_len,
                       const char *signed_text,
                       size_t signed_text_len,
                       uint64_t max_age_ms,
                       int32_t *reason,
                       struct sessile_bytes **payload,
                       uint64_t *signed_at_ms,
                       struct sessile_error *error);

/**
 * What a token is worth, as the JSON of RFC 7662, 2.2: of a session, access or refresh token or
 * API key of this engine. Anything else, and what is not good now, is `{"active":false}` and
 * nothing more. Keeps no session alive. The program authenticates who asks.
 *
 * Parameters: `engine`; `token`, `token_len`; `json`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. Others as sessile_verify: answer with 503, not with an inactive token.
 * Memory: `*json` is freed with sessile_bytes_free.
 * Threads: any.
 */
int32_t sessile_introspect(const struct sessile_engine *engine,
                           const char *token,
                           size_t token_len,
                           struct sessile_bytes **json,
                           struct sessile_error *error);

/**
 * Makes a single-use token. Durable when it returns.
 *
 * Parameters: `engine`; `options`; `token`, `token_cap`: SESSILE_TOKEN_MAX is enough; `made`,
 * learns the token's handle, may be NULL; `deadline_ms`, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT, SESSILE_ERR_TOO_LARGE, SESSILE_ERR_SUSPENDED,
 * SESSILE_ERR_BUFFER_TOO_SMALL: nothing was made. Other store errors: nothing that anybody has.
 * Memory: the caller's. The token ends with a zero.
 * Threads: any.
 */
int32_t sessile_issue_single_use(const struct sessile_engine *engine,
                                 const struct sessile_single_use_options *options,
                                 char *token,
                                 size_t token_cap,
                                 struct sessile_handle *made,
                                 uint64_t *deadline_ms,
                                 struct sessile_error *error);

/**
 * Says whether a token is good for a purpose, and leaves it so: for the page that a link opens,
 * which mail scanners open, too. Use sessile_consume once the person presses the button.
 *
 * Parameters: `engine`; `purpose`, `purpose_len`; `token`, `token_len`; `single_use`, filled;
 * `payload`, written if it is valid, may be NULL; `error`, may be NULL.
 * Returns: SESSILE_OK, and then `single_use->reason` is the verdict. Store errors: let nobody do
 * anything.
 * Memory: `*payload` is freed with sessile_bytes_free.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_peek_single_use(const struct sessile_engine *engine,
                                const char *purpose,
                                size_t purpose_len,
                                const char *token,
                                size_t token_len,
                                struct sessile_single_use *single_use,
                                struct sessile_bytes **payload,
                                struct sessile_error *error);

/**
 * Uses a token: of all who try, on all threads and whatever crashes, one gets SESSILE_VALID, and
 * it is durably used when this returns. A second use gets SESSILE_REASON_REUSED, and ends the
 * session that sessile_bind_single_use named, if any.
 *
 * Parameters: as sessile_peek_single_use.
 * Returns: as sessile_peek_single_use. SESSILE_ERR_OUTCOME_UNKNOWN: it may be used up.
 * Memory: `*payload` is freed with sessile_bytes_free.
 * Threads: any.
 */
SESSILE_MUST_USE
int32_t sessile_consume(const struct sessile_engine *engine,
                        const char *purpose,
                        size_t purpose_len,
                        const char *token,
                        size_t token_len,
                        struct sessile_single_use *single_use,
                        struct sessile_bytes **payload,
                        struct sessile_error *error);

/**
 * Notes that a session was created with a token that was used: should that come a second time,
 * the session is ended. Durable when it returns.
 *
 * Parameters: `engine`; `used`, the token's handle; `session`, the session's; `error`, may be
 * NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_SESSION_GONE: no such token, or it was not used, or it came a
 * second time already: end the session. Store errors: nothing was changed.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_bind_single_use(const struct sessile_engine *engine,
                                const struct sessile_handle *used,
                                const struct sessile_handle *session,
                                struct sessile_error *error);

/**
 * Makes a token good no longer. Durable when it returns.
 *
 * Parameters: `engine`; `token`, its handle; `was_good`, learns whether it was, 1 or 0, may be
 * NULL; `error`, may be NULL.
 * Returns: SESSILE_OK. Store errors: it is as it was.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_revoke_single_use(const struct sessile_engine *engine,
                                  const struct sessile_handle *token,
                                  int32_t *was_good,
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
 * Writes everything in the store to a callback: sessions, subjects, the sealed keys. Keep it with
 * the master secret's care, and apart from it.
 *
 * Parameters: `engine`; `write`; `userdata`, its argument; `error`, may be NULL.
 * Returns: SESSILE_OK. Others: what was written is no whole export, and a restore says so.
 * Memory: the caller's.
 * Threads: any. `write` is called in this one, and must not call the library.
 */
int32_t sessile_export(const struct sessile_engine *engine,
                       sessile_write_fn write,
                       void *userdata,
                       struct sessile_error *error);

/**
 * Writes everything in the store to a file descriptor, as sessile_export does.
 *
 * Parameters: `engine`; `fd`, open for writing, and left open; `error`, may be NULL.
 * Returns: as sessile_export. Success does not mean that the file was synced.
 * Threads: any.
 */
int32_t sessile_export_to_fd(const struct sessile_engine *engine,
                             int32_t fd,
                             struct sessile_error *error);

/**
 * Opens an engine over an empty store with what an export holds. The master secret has to be the
 * one that the exported store had: where that was a key file in its directory, give
 * sessile_config_key_file its path.
 *
 * Parameters: `config`; `read`; `userdata`, its argument; `restored`, one of
 * SESSILE_RESTORED_...; `engine`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. SESSILE_ERR_INVALID_INPUT: the store is not empty. SESSILE_ERR_CORRUPT:
 * it is no whole export. Others as sessile_open. After an error the store cannot be opened: begin
 * again with an empty one.
 * Memory: `*engine` is closed with sessile_close.
 * Threads: any. `read` is called in this one, and must not call the library.
 */
int32_t sessile_restore(const struct sessile_config *config,
                        sessile_read_fn read,
                        void *userdata,
                        int32_t restored,
                        struct sessile_engine **engine,
                        struct sessile_error *error);

/**
 * Opens an engine over an empty store with what a file descriptor gives, as sessile_restore does.
 *
 * Parameters: `fd`, open for reading, and left open; the others as sessile_restore.
 * Returns: as sessile_restore.
 * Memory: `*engine` is closed with sessile_close.
 * Threads: any.
 */
int32_t sessile_restore_from_fd(const struct sessile_config *config,
                                int32_t fd,
                                int32_t restored,
                                struct sessile_engine **engine,
                                struct sessile_error *error);

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

/**
 * Watches a session: to close its WebSocket when it ends. A session that is not valid now has
 * ended already.
 *
 * What this engine ends, it tells before the ending call returns; that a time ran out is found by
 * the maintenance thread or sessile_tick, and so up to a second late.
 *
 * Parameters: `engine`; `session`, its handle; `callback`, may be NULL; `userdata`, its argument;
 * `destroy`, called once with `userdata` when it is not needed any more, and when this fails; may
 * be NULL; `watch`, written on success; `error`, may be NULL.
 * Returns: SESSILE_OK. Store errors: not known whether the session is valid.
 * Memory: `*watch` is freed with sessile_watch_free, before or after the engine.
 * Threads: any.
 */
int32_t sessile_watch_session(const struct sessile_engine *engine,
                              const struct sessile_handle *session,
                              sessile_watch_fn callback,
                              void *userdata,
                              sessile_destroy_fn destroy,
                              struct sessile_watch **watch,
                              struct sessile_error *error);

/**
 * Why the watched session ended, waiting for it if wished.
 *
 * Parameters: `watch`; `timeout_ms`, how long to wait: 0 not at all; `reason`, one of
 * SESSILE_REASON_..., SESSILE_VALID: it has not ended; `error`, may be NULL.
 * Returns: SESSILE_OK.
 * Memory: the caller's.
 * Threads: any.
 */
int32_t sessile_watch_ended(const struct sessile_watch *watch,
                            uint64_t timeout_ms,
                            int32_t *reason,
                            struct sessile_error *error);

/**
 * Ends the watching, not the session. No callback begins once this returned, and none of another
 * thread is under way.
 *
 * Parameters: `watch`, NULL is fine.
 * Memory: `watch` is not to be used again.
 * Threads: any, its callback too.
 */
void sessile_watch_free(struct sessile_watch *watch);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SESSILE_H */
