// Error: everything this library throws when a person can have caused it.
//
// The text of every error says where, what, what was expected and what was found:
//   [router.top_k] k: expected at most num_experts = 8, got 16
// A setting that came from a file also says where it was written:
//   my.toml:15:28: [model.moe.router] k: expected at most num_experts = 4, got 8
// What only a mistake of ours can cause is not an Error; see HETERODYNE_DCHECK.
//
// The command line program maps the classes to exit codes: ConfigError 2, FormatError 3, CheckError 4, any other 1.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace heterodyne {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// "[where] message"
  Error(const std::string& where, const std::string& message) : std::runtime_error("[" + where + "] " + message) {}
};

/// Where a value was written. Lines and columns count from 1; line 0 means "not from a file".
struct Position {
  std::string file;
  int line = 0;
  int column = 0;

  /// "file:line:column: ", "file: " without a line, or "".
  std::string prefix() const;
};

/// A setting is unknown, of the wrong type, out of range or without effect; a command line is wrong.
class ConfigError : public Error {
 public:
  using Error::Error;

  /// About the setting `key` of `where`. The reader of the setting adds its position: see Registry::make().
  ConfigError(const std::string& where, std::string key, std::string message);

  /// The same complaint about a setting that was written at `position`, inside the table called `where`.
  ConfigError at(const Position& position, const std::string& where) const;

  const std::string& key() const { return key_; }
  const std::string& message() const { return message_; }
  bool has_position() const { return has_position_; }

 private:
  std::string key_;
  std::string message_;
  bool has_position_ = false;
};

/// A tensor has the wrong shape or dtype.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A file is unreadable, damaged or belongs to something else.
class FormatError : public Error {
 public:
  using Error::Error;

  /// "path: byte 17: message"
  static FormatError in_file(const std::string& path, uint64_t byte, const std::string& message);
  /// "path: message"
  static FormatError in_file(const std::string& path, const std::string& message);
};

/// A check that was asked for did not hold: parity, coverage, a threshold.
class CheckError : public Error {
 public:
  using Error::Error;
};

/// A device, the operating system or the disk refused.
class DeviceError : public Error {
 public:
  using Error::Error;
};

namespace internal {
[[noreturn]] void dcheck_failed(const char* condition, const char* file, int line);
}  // namespace internal

}  // namespace heterodyne

// Holds unless heterodyne itself is wrong. Checked in every build but release.
#ifdef NDEBUG
#define HETERODYNE_DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define HETERODYNE_DCHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::heterodyne::internal::dcheck_failed(#condition, __FILE__, __LINE__))
#endif
