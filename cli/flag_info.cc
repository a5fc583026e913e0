#include "cli/flag_info.h"

#include <algorithm>

namespace heterodyne::cli {
namespace {

std::string type_of(const Field& field) {
  if (std::holds_alternative<bool*>(field.target)) return "switch";
  if (std::holds_alternative<int64_t*>(field.target)) return "whole number";
  if (std::holds_alternative<double*>(field.target)) return "number";
  if (std::holds_alternative<std::string*>(field.target)) return "text";
  HETERODYNE_DCHECK(std::holds_alternative<std::vector<std::string>*>(field.target));
  return "list of text";
}

class Collector : public Fields {
 public:
  std::vector<FlagInfo> flags;

 protected:
  void visit(const Field& field) override {
    if (const auto* nested = std::get_if<Nested>(&field.target)) return (*nested)(*this);
    flags.push_back({std::string(field.name), type_of(field), std::string(field.sentence), field.rules.range(),
                     field.rules.choices, field.rules.is_positional, field.rules.is_value_optional,
                     field.rules.is_required});
  }
};

}  // namespace

std::string FlagInfo::spelled() const {
  if (is_positional) return name;
  std::string text = "--" + name;
  std::replace(text.begin(), text.end(), '_', '-');
  return text;
}

std::vector<FlagInfo> flags_of(const Schema& schema) {
  Collector collector;
  schema.show(collector);
  return std::move(collector.flags);
}

}  // namespace heterodyne::cli
