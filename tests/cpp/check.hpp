// What the programs of this folder have in common.

#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                       \
        }                                                                       \
    } while (0)

// Whether the expression throws sessile::error with that code.
#define CHECK_THROWS(expression, wanted)          \
    do {                                          \
        std::int32_t code = SESSILE_OK;           \
        try {                                     \
            static_cast<void>(expression);        \
        } catch (const sessile::error &failure) { \
            code = failure.code();                \
            CHECK(failure.what()[0] != '\0');     \
        }                                         \
        CHECK(code == (wanted));                  \
    } while (0)

#endif
