#include "cli/sweep/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "heterodyne/base/error.h"

namespace heterodyne::cli {
namespace {

constexpr const char* kProgram = "/proc/self/exe";
constexpr int kNotStarted = 127;

// Holds the signals that ask a process to end back while a new one is not yet its own program: they would reach the
// handlers of this one, and be lost.
class SignalsHeld {
 public:
  SignalsHeld() {
    ::sigemptyset(&held_);
    for (const int signal : {SIGTERM, SIGINT}) ::sigaddset(&held_, signal);
    ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t held_{}, before_{};
};

// In the new process, where nothing may be called but what a signal handler may call.
[[noreturn]] void become(char* const* words, const char* output, pid_t parent, const sigset_t& signals) {
  for (const int signal : {SIGTERM, SIGINT}) ::signal(signal, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kNotStarted);  // it ended before this was said
  ::setpgid(0, 0);
  const int input = ::open("/dev/null", O_RDONLY), out = ::open(output, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (input < 0 || out < 0) ::_exit(kNotStarted);
  ::dup2(input, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  if (input > STDERR_FILENO) ::close(input);
  if (out > STDERR_FILENO) ::close(out);
  ::execv(kProgram, words);
  ::_exit(kNotStarted);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : kBySignal + WTERMSIG(status); }

}  // namespace

Child::Child(const std::vector<std::string>& arguments, const std::string& output) {
  std::vector<std::string> texts{"heterodyne"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (auto& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  const pid_t parent = ::getpid();
  const SignalsHeld signals;
  pid_ = ::fork();
  if (pid_ == 0) become(words.data(), output.c_str(), parent, signals.before());
  if (pid_ < 0) throw DeviceError("cannot start another process: " + std::system_category().message(errno));
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), code_(other.code_) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(code_, other.code_);
  return *this;
}

Child::~Child() {
  if (pid_ == 0) return;
  ask_to_end();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> Child::poll() {
  int status = 0;
  if (pid_ != 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = 0;
    code_ = code_of(status);
  }
  return code_;
}

void Child::ask_to_end() const {
  if (pid_ != 0) ::kill(pid_, SIGTERM);
}

}  // namespace heterodyne::cli
