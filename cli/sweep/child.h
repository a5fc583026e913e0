// Child: another process of this very program, which does not outlive the one that started it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace heterodyne::cli {

constexpr int kBySignal = 128;  // the exit code of a process that a signal ended, less the signal's number

class Child {
 public:
  /// Starts the program with these arguments, without input, all its output going to the end of the file `output`. It
  /// is out of reach of the terminal's Ctrl-C, and gets SIGTERM when the thread that started it ends, however that
  /// ends. Throws DeviceError when it cannot be started.
  Child(const std::vector<std::string>& arguments, const std::string& output);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  /// Asks it to end, if it has not, and waits.
  ~Child();

  /// Its exit code once it has ended, kBySignal and the signal's number when a signal ended it. Does not wait.
  std::optional<int> poll();
  /// Sends SIGTERM, upon which `train` saves and ends.
  void ask_to_end() const;

 private:
  int pid_ = 0;  // 0 once it has ended
  std::optional<int> code_;
};

}  // namespace heterodyne::cli
