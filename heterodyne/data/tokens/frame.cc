#include "heterodyne/data/tokens/frame.h"

#include <fmt/format.h>

#include "heterodyne/data/tokens/described.h"

namespace heterodyne::tokens {

Frame::Frame(const Value* description, const std::string& where) {
  if (!is_none(description)) read(*description, inside(where, "post_processor"));
}

void Frame::read(const Value& description, const std::string& where) {
  const Table& table = described(description, where);
  const std::string& type = io::text_at(table, "type", where);
  if (type == "Sequence") {
    for (const Value& step : io::array_at(table, "processors", where)) read(step, where);
  } else if (type == "TemplateProcessing") {
    one_ = read_parts(table, "single", where);
    two_ = read_parts(table, "pair", where);
  } else if (type != "ByteLevel") {
    throw FormatError::in_file(
        where, fmt::format("type: expected one of ByteLevel, Sequence, TemplateProcessing, got \"{}\"", type));
  }
}

Frame::Parts Frame::read_parts(const Table& description, const char* key, const std::string& where) {
  Parts parts;
  const Table& specials = io::table_at(description, "special_tokens", where);
  for (const Value& value : io::array_at(description, key, where)) {
    const std::string place = where + ": " + key;
    const Table& table = described(value, place);
    Part part;
    const bool is_text = table.contains("Sequence");
    const Table& content = io::table_at(table, is_text ? "Sequence" : "SpecialToken", place);
    const std::string& name = io::text_at(content, "id", place);
    part.type = io::integer_at(content, "type_id", place);
    if (is_text) {
      if (name != "A" && name != "B")
        throw FormatError::in_file(place, fmt::format("Sequence: id: expected A or B, got \"{}\"", name));
      part.is_second = name == "B";
    } else {
      for (const Value& id : io::array_at(io::table_at(specials, name, place), "ids", place)) {
        if (id.if_integer() == nullptr || *id.if_integer() < 0)
          throw FormatError::in_file(place, fmt::format("{}: ids: expected ids, got {}", name, io::write_json(id)));
        part.ids.push_back(*id.if_integer());
      }
      if (part.ids.empty()) throw FormatError::in_file(place, name + ": ids: expected at least one, got none");
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

FramedText Frame::fill(const Parts& parts, const std::vector<int64_t>& first, const std::vector<int64_t>& second) {
  FramedText framed;
  for (const Part& part : parts) {
    const auto& ids = !part.ids.empty() ? part.ids : part.is_second ? second : first;
    framed.ids.insert(framed.ids.end(), ids.begin(), ids.end());
    framed.types.insert(framed.types.end(), ids.size(), part.type);
  }
  return framed;
}

FramedText Frame::around(const std::vector<int64_t>& ids) const { return fill(one_, ids, {}); }

FramedText Frame::around(const std::vector<int64_t>& first, const std::vector<int64_t>& second) const {
  return fill(two_, first, second);
}

}  // namespace heterodyne::tokens
