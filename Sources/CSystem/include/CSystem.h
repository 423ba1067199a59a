// System calls and structures that Swift's Glibc overlay does not import, and the few that Swift cannot call
// (variadic functions, function-like macros, thread-local variables).
#ifndef CSYSTEM_H
#define CSYSTEM_H

// _GNU_SOURCE is defined in the C file alone: with it, this module's structures would differ from the Glibc module's.
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// The event loop that owns the calling thread, or NULL. Set once by the loop's thread.
extern _Thread_local void *csystem_loop_of_thread;
static inline void *csystem_current_loop(void) { return csystem_loop_of_thread; }
static inline void csystem_set_current_loop(void *loop) { csystem_loop_of_thread = loop; }

// Monotonic time in nanoseconds.
int64_t csystem_monotonic_nanoseconds(void);

// Names the calling thread for ps, top and profilers (15 bytes at most).
void csystem_name_thread(const char *name);

// Non-blocking, close-on-exec stream socket of the family; -1 and errno on failure.
int csystem_stream_socket(int family);

// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC; -1 and errno on failure.
int csystem_accept(int listener, struct sockaddr_storage *address, socklen_t *length);

// setsockopt of an int option; 0 or -1.
int csystem_set_option(int descriptor, int level, int option, int value);

// send with MSG_NOSIGNAL: a closed peer is EPIPE, never SIGPIPE.
ssize_t csystem_send(int descriptor, const void *bytes, size_t count);

// Turns TCP_NODELAY on; fails harmlessly on a unix socket.
void csystem_no_delay(int descriptor);

// Writes the signal's number as one byte to the descriptor each time it arrives; 0 or -1.
int csystem_catch_signal(int signal, int descriptor);

// Gives the signal its default action back.
void csystem_release_signal(int signal);

#endif
