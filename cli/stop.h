// Stop: Ctrl-C and SIGTERM as a question that a loop asks. The first asks for a tidy end, the second ends at once.
#pragma once

namespace heterodyne::cli {

/// The exit code of a verb that was asked to end.
constexpr int kInterrupted = 130;

/// From here on SIGINT and SIGTERM set the flag instead of ending the process.
void catch_stop_signals();
bool stop_requested();

}  // namespace heterodyne::cli
