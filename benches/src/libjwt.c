/* decode TOKEN SECRET COUNT: prints the nanoseconds that each jwt_decode takes. */
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct timespec start, end;
    long i, count;
    if (argc != 4)
        return 2;
    count = atol(argv[3]);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (i = 0; i < count; i++) {
        jwt_t *jwt = NULL;
        int length = (int)strlen(argv[2]);
        if (jwt_decode(&jwt, argv[1], (const unsigned char *)argv[2], length) != 0)
            return 1;
        jwt_free(jwt);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%f\n", ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / count);
    return 0;
}
