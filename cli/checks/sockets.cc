// Loopback sockets: a server on this machine can be reached from it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "cli/check.h"
#include "heterodyne/io/file.h"

namespace heterodyne {
namespace {

// Connects to itself through the kernel; nobody else is listened to.
bool loopback_works() {
  const io::internal::Descriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const io::internal::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (server.number() < 0 || client.number() < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* general = reinterpret_cast<sockaddr*>(&address);
  return ::bind(server.number(), general, size) == 0 && ::listen(server.number(), 1) == 0 &&
         ::getsockname(server.number(), general, &size) == 0 && ::connect(client.number(), general, size) == 0;
}

std::vector<CheckResult> check_sockets(const cli::Environment&) {
  if (loopback_works()) return {{Health::kOk, "loopback sockets"}};
  return {{Health::kWarn, std::string("loopback sockets: ") + std::strerror(errno),
           "allow connections to 127.0.0.1; what serves pages or joins processes needs them"}};
}

}  // namespace

CheckKind check_kind_sockets() { return {"loopback sockets", {}, check_sockets}; }

}  // namespace heterodyne
