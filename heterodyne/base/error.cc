#include "heterodyne/base/error.h"

#include <utility>

namespace heterodyne {

std::string Position::prefix() const {
  if (file.empty()) return "";
  if (line == 0) return file + ": ";
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

ConfigError::ConfigError(const std::string& where, std::string key, std::string message)
    : Error(where, key.empty() ? message : key + ": " + message), key_(std::move(key)), message_(std::move(message)) {}

ConfigError ConfigError::at(const Position& position, const std::string& where) const {
  const std::string text = key_.empty() ? message_ : key_ + ": " + message_;
  ConfigError moved(position.prefix() + "[" + where + "] " + text);
  moved.key_ = key_;
  moved.message_ = message_;
  moved.has_position_ = true;
  return moved;
}

FormatError FormatError::in_file(const std::string& path, uint64_t byte, const std::string& message) {
  return FormatError(path + ": byte " + std::to_string(byte) + ": " + message);
}

FormatError FormatError::in_file(const std::string& path, const std::string& message) {
  return FormatError(path + ": " + message);
}

void internal::dcheck_failed(const char* condition, const char* file, int line) {
  throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": internal check failed: " + condition +
                         ". This is a mistake in heterodyne, please report it.");
}

}  // namespace heterodyne
