/* A clock that a program can turn on: preloaded, it stands before the system's. */

#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_long ahead;

void turn_on(long seconds) { atomic_fetch_add(&ahead, seconds); }

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, id, now);
    if (!failed && id == CLOCK_MONOTONIC)
        now->tv_sec += atomic_load(&ahead);
    return failed;
}
