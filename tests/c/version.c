/* Compiled as C and as C++, linked with either library. Exits with 0 when all is well. */

#include <sessile.h>
#include <sessile.h>

#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) {                                             \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);     \
            return 1;                                                   \
        }                                                               \
    } while (0)

/* The preprocessor has to understand the number too. */
#if SESSILE_VERSION_NUMBER < 1
#error "the version of the header is no number"
#endif

int main(void)
{
    unsigned major, minor, patch;

    CHECK(strcmp(sessile_version(), SESSILE_VERSION) == 0);
    CHECK(sessile_version_number() == SESSILE_VERSION_NUMBER);

    /* The parts and the number could be wrong in the same way: take them from the text. */
    CHECK(sscanf(sessile_version(), "%u.%u.%u", &major, &minor, &patch) == 3);
    CHECK(major == SESSILE_VERSION_MAJOR);
    CHECK(minor == SESSILE_VERSION_MINOR);
    CHECK(patch == SESSILE_VERSION_PATCH);
    CHECK(sessile_version_number() == major * 65536u + minor * 256u + patch);

    CHECK(strcmp(sessile_status_name(SESSILE_OK), "ok") == 0);
    CHECK(strcmp(sessile_status_name(SESSILE_ERR_LOCKED), "locked") == 0);
    CHECK(strcmp(sessile_status_name(-1), "unknown") == 0);
    CHECK(strcmp(sessile_reason_name(SESSILE_REASON_IDLE_EXPIRED), "idle_expired") == 0);
    CHECK(strcmp(sessile_reason_name(0), "unknown") == 0);

    /* A part that is 0 today hides a wrong shift: give each another value. */
#undef SESSILE_VERSION_MAJOR
#undef SESSILE_VERSION_MINOR
#undef SESSILE_VERSION_PATCH
#define SESSILE_VERSION_MAJOR 3
#define SESSILE_VERSION_MINOR 4
#define SESSILE_VERSION_PATCH 5
    CHECK(SESSILE_VERSION_NUMBER == 0x030405);
    return 0;
}
