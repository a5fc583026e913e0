#include "heterodyne/io/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "heterodyne/base/error.h"

namespace heterodyne::io {
namespace {

class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new()) { require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }

  void add(std::string_view bytes) { require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }

  std::string hex() {
    std::array<unsigned char, 32> digest{};
    require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    std::string text;
    for (const unsigned char byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  // These calls fail only without memory.
  static void require(int succeeded) {
    if (succeeded != 1) throw std::bad_alloc();
  }

  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Hash hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256_of_file(const std::string& path) {
  const auto check = [&](bool fine) {
    if (!fine) throw FormatError::in_file(path, "cannot be read: " + std::system_category().message(errno));
  };
  std::ifstream file(path, std::ios::binary);
  check(file.is_open());
  Hash hash;
  std::vector<char> piece(1 << 20);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    check(!file.bad());
    hash.add({piece.data(), static_cast<size_t>(file.gcount())});
  }
  return hash.hex();
}

}  // namespace heterodyne::io
