// Preloaded into the program under test (LD_PRELOAD): holds it right before main(), its libraries loaded and their
// static objects built, and lets a copy of the process run main() for each request. Loading LibTorch is most of what a
// short command takes, and the tests run more than a thousand of them.
//
// HETERODYNE_WARM_START names the descriptor of a SOCK_SEQPACKET socket. A request: the working folder, the number of
// arguments, the arguments, the environment as NAME=VALUE, each ended by a zero byte, and with it three descriptors,
// for stdin, stdout and stderr. Two answers, each an int: the copy's process number, then its status as wait() gives
// it. It ends when the socket closes.
#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Main = int (*)(int, char**, char**);

Main program_main = nullptr;

struct Request {
  std::vector<char*> words;  // the text cut at its zero bytes; empty at the socket's end
  std::array<int, 3> streams{};
};

Request receive(int socket, std::vector<char>& text) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> control{};
  iovec room{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  const cmsghdr* rights = CMSG_FIRSTHDR(&message);
  Request request;
  if (bytes <= 0 || rights == nullptr) return request;
  std::memcpy(request.streams.data(), CMSG_DATA(rights), sizeof(request.streams));
  for (char* at = text.data(); at < text.data() + bytes; at += std::strlen(at) + 1) request.words.push_back(at);
  return request;
}

int run(const Request& request) {
  for (int i = 0; i < 3; ++i) ::dup2(request.streams[i], i);
  const auto& words = request.words;
  if (::chdir(words[0]) != 0) return 127;
  const int arguments = std::stoi(words[1]);
  std::vector<char*> argv(words.begin() + 2, words.begin() + 2 + arguments);
  std::vector<char*> variables(words.begin() + 2 + arguments, words.end());
  argv.push_back(nullptr);
  variables.push_back(nullptr);
  environ = variables.data();
  return program_main(arguments, argv.data(), environ);
}

int serve(int argc, char** argv, char** variables) {
  const char* number = std::getenv("HETERODYNE_WARM_START");
  if (number == nullptr) return program_main(argc, argv, variables);
  const int socket = std::stoi(number);
  std::vector<char> text(1 << 18);
  for (;;) {
    const Request request = receive(socket, text);
    if (request.words.empty()) return 0;
    const pid_t copy = ::fork();
    if (copy == 0) {
      ::close(socket);
      std::exit(run(request));
    }
    for (const int stream : request.streams) ::close(stream);
    int status = 0;
    ::send(socket, &copy, sizeof(copy), MSG_NOSIGNAL);
    ::waitpid(copy, &status, 0);
    ::send(socket, &status, sizeof(status), MSG_NOSIGNAL);
  }
}

}  // namespace

// In the place of the C library's, which a program's first instructions call with main(): init, fini, the loader's fini
// and the stack's end follow, which go on as they came.
extern "C" __attribute__((visibility("default"))) int __libc_start_main(Main main, int argc, char** argv, ...) {
  std::array<void*, 4> rest{};
  va_list list;
  va_start(list, argv);
  for (void*& each : rest) each = va_arg(list, void*);
  va_end(list);
  program_main = main;
  using Start = int (*)(Main, int, char**, void*, void*, void*, void*);
  const auto start = reinterpret_cast<Start>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(serve, argc, argv, rest[0], rest[1], rest[2], rest[3]);
}
