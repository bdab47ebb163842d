/*
 * sessile.h: web sessions and tokens, created, verified and revoked in your own process.
 *
 * This file is generated: `make header` rewrites it.
 *
 * Status. A function that can fail returns int32_t: SESSILE_OK or one of SESSILE_ERR_..., whose
 * numbers are never reused. It writes its outputs only when it returns SESSILE_OK. That a token is
 * not valid is no failure but a verdict, with one of SESSILE_REASON_... as its reason.
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


#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

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
 * Parameters: `reason`, one of `SESSILE_REASON_...`; any number is allowed.
 * Returns: the name, or "unknown"; never NULL.
 * Memory: static text, never to be freed.
 * Threads: any.
 */
const char *sessile_reason_name(int32_t reason);

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
