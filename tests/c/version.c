/* Compares the header's version with the library's. Exits with 0 when they are the same. */

#include <sessile.h>
#include <sessile.h>

#include <string.h>

#include "check.h"

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
