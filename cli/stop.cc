#include "cli/stop.h"

#include <unistd.h>

#include <csignal>

namespace heterodyne::cli {
namespace {

// The one thing a signal handler may touch.
volatile std::sig_atomic_t requested = 0;

void on_signal(int) {
  if (requested) ::_exit(kInterrupted);
  requested = 1;
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() { return requested != 0; }

}  // namespace heterodyne::cli
