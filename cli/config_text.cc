#include "cli/config_text.h"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {
namespace {

const Table kNothing;

const Table& table_at(const Table& table, std::string_view key) {
  const Value* value = table.find(key);
  return value && value->if_table() ? *value->if_table() : kNothing;
}

// Walks the settings beside a configuration, which says of each family which kind is meant. Notes the comment of every
// setting under its path, and of every kind under that of its table.
class Commenter : public Fields {
 public:
  Commenter(std::map<std::string, std::string>& comments, const Table& config, std::string prefix)
      : comments_(comments), config_(config), prefix_(std::move(prefix)) {}

 protected:
  void visit(const Field& field) override {
    const std::string path = prefix_ + std::string(field.name);
    const std::string range = field.rules.range();
    comments_[path] = std::string(field.sentence) + (range.empty() ? "" : " (" + range + ")");
    if (const auto* nested = std::get_if<Nested>(&field.target)) {
      Commenter inner(comments_, table_at(config_, field.name), path + ".");
      return (*nested)(inner);
    }
    if (field.rules.family == nullptr) return;
    const Value* value = config_.find(field.name);
    if (value == nullptr) return;
    if (const Table* table = value->if_table()) comment_member(*field.rules.family, *table, path);
    const Array* items = value->if_array();
    for (size_t i = 0; items && i < items->size(); ++i) {
      const Table* table = (*items)[i].if_table();
      const std::string entry = path + "." + std::to_string(i);
      comments_[entry] = comments_[path];
      if (table) comment_member(*field.rules.family, *table, entry);
    }
  }

 private:
  void comment_member(const Family& family, const Table& table, const std::string& path) {
    const Value* kind = table.find("kind");
    if (kind == nullptr || !kind->if_text()) return;
    const std::string& name = *kind->if_text();
    Commenter inner(comments_, table, path + ".");
    comments_[path + ".kind"] = family.summary(name);
    if (!family.shared().list().empty()) family.shared().show(inner);
    family.schema(name).show(inner);
  }

  std::map<std::string, std::string>& comments_;
  const Table& config_;
  std::string prefix_;
};

// The path of a section's header: "[train]" is "train", the second "[[model.experts]]" is "model.experts.1".
class Sections {
 public:
  std::string enter(const std::string& header) {
    if (!header.starts_with("[[")) return resolved(header.substr(1, header.size() - 2));
    const std::string list = resolved(header.substr(2, header.size() - 4));
    const int64_t place = entries_[list]++;
    return list + "." + std::to_string(place);
  }

 private:
  // A section inside an entry of a list belongs to the entry that was begun last.
  std::string resolved(const std::string& header) const {
    std::string path;
    const auto parts = split(header, '.');
    for (size_t i = 0; i < parts.size(); ++i) {
      path += (i ? "." : "") + parts[i];
      const auto list = entries_.find(path);
      if (i + 1 < parts.size() && list != entries_.end()) path += "." + std::to_string(list->second - 1);
    }
    return path;
  }

  std::map<std::string, int64_t> entries_;  // of each list so far
};

}  // namespace

std::string commented_toml(const Table& resolved) {
  std::map<std::string, std::string> comments;
  Commenter commenter(comments, resolved, "");
  Schema::of<ExperimentOptions>().show(commenter);
  Sections sections;
  std::string section, text;
  std::istringstream lines(write_toml(resolved));
  for (std::string line; std::getline(lines, line);) {
    std::string path;
    if (line.starts_with('[')) {
      section = sections.enter(line);
      path = section;
    } else {
      path = (section.empty() ? "" : section + ".") + line.substr(0, line.find(' '));
    }
    const auto comment = comments.find(path);
    text += (comment == comments.end() ? line : fmt::format("{:<36}  # {}", line, comment->second)) + "\n";
  }
  return text;
}

}  // namespace heterodyne::cli
