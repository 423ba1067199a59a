#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

// Before main: large pieces (the ids of a segment, an answer of Emarsys) go back to the system when they are freed. Left alone,
// the GNU library raises the size from which it does so to the largest piece it has seen, and keeps the memory.
#ifdef M_MMAP_THRESHOLD
__attribute__((constructor)) static void give_large_memory_back(void) {
    mallopt(M_MMAP_THRESHOLD, 512 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}
#endif

_Thread_local void *csystem_loop_of_thread = NULL;

int64_t csystem_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void csystem_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int csystem_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int csystem_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int csystem_set_option(int descriptor, int level, int option, int value) {
    return setsockopt(descriptor, level, option, &value, sizeof value);
}

ssize_t csystem_send(int descriptor, const void *bytes, size_t count) {
    return send(descriptor, bytes, count, MSG_NOSIGNAL);
}

void csystem_no_delay(int descriptor) {
    int one = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// A handler may only touch what is async-signal-safe: a table of descriptors and write().
static volatile int descriptors[NSIG];

static void forward(int signal) {
    int saved = errno;
    unsigned char byte = (unsigned char)signal;
    ssize_t ignored = write(descriptors[signal], &byte, 1);
    (void)ignored;
    errno = saved;
}

int csystem_catch_signal(int signal, int descriptor) {
    struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    descriptors[signal] = descriptor;
    return sigaction(signal, &action, NULL);
}

void csystem_release_signal(int signal) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
}
