#include "cli/families.h"

#include <fmt/format.h>

#include <algorithm>

#include "heterodyne/base/text.h"
#include "heterodyne/convert/partitioner.h"
#include "heterodyne/convert/score.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/layer/moe_layer.h"
#include "heterodyne/model/importer.h"
#include "heterodyne/model/network.h"
#include "heterodyne/train/experiment.h"

namespace heterodyne::cli {
namespace {

// Fields whose names begin with the section, without it. "model.moe" and "data" look into every kind of the family.
std::vector<FieldInfo> section(const std::vector<FieldInfo>& fields, const std::string& prefix) {
  std::vector<FieldInfo> inner;
  for (FieldInfo field : fields) {
    if (!field.name.starts_with(prefix + ".")) continue;
    field.name = field.name.substr(prefix.size() + 1);
    inner.push_back(field);
  }
  return inner;
}

void add_new(std::vector<FieldInfo>& all, const std::vector<FieldInfo>& more) {
  for (const auto& field : more) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const FieldInfo& f) { return f.name == field.name; });
    if (!known) all.push_back(field);
  }
}

std::vector<FieldInfo> fields_of_section(const std::string& name) {
  auto found = section(Schema::of<ExperimentOptions>().list(), name);
  const std::string model = "model.";
  if (name.starts_with(model)) {
    for (const auto& kind : networks().names())
      add_new(found, section(networks().schema(kind).list(), name.substr(model.size())));
  }
  if (name == "data") add_new(found, datasets().shared().list());
  return found;
}

// Goes down into every kind of every family that a setting may name, but not into a family inside itself.
class PathCollector : public Fields {
 public:
  PathCollector(std::vector<std::string>& paths, std::string prefix, std::vector<const Family*> above = {})
      : paths_(paths), prefix_(std::move(prefix)), above_(std::move(above)) {}

 protected:
  void visit(const Field& field) override {
    const std::string path = prefix_ + std::string(field.name);
    if (const auto* nested = std::get_if<Nested>(&field.target)) {
      PathCollector inner(paths_, path + ".", above_);
      return (*nested)(inner);
    }
    add(path);
    const Family* family = field.rules.family;
    if (family == nullptr) return;
    const bool is_list = std::holds_alternative<std::vector<Member>*>(field.target);
    const std::string inside = path + (is_list ? ".0." : ".");
    add(inside + "kind");
    if (std::find(above_.begin(), above_.end(), family) != above_.end()) return;
    auto above = above_;
    above.push_back(family);
    PathCollector inner(paths_, inside, above);
    if (!family->shared().list().empty()) family->shared().show(inner);
    for (const auto& kind : family->names()) family->schema(kind).show(inner);
  }

 private:
  void add(const std::string& path) {
    if (std::find(paths_.begin(), paths_.end(), path) == paths_.end()) paths_.push_back(path);
  }

  std::vector<std::string>& paths_;
  std::string prefix_;
  std::vector<const Family*> above_;
};

}  // namespace

std::vector<std::string> setting_paths() {
  std::vector<std::string> paths;
  PathCollector collector(paths, "");
  Schema::of<ExperimentOptions>().show(collector);
  return paths;
}

std::vector<std::pair<std::string, const Family*>> families() {
  return {{"routers", &routers()},          {"experts", &experts()},       {"balancers", &balancers()},
          {"dispatchers", &dispatchers()},  {"networks", &networks()},     {"importers", &importers()},
          {"datasets", &datasets()},        {"tokenizers", &tokenizers()}, {"optimizers", &optimizers()},
          {"schedules", &schedules()},      {"growers", &growers()},       {"scores", &scores()},
          {"partitioners", &partitioners()}};
}

const Family& family_named(const std::string& plural) {
  std::vector<std::string> names = {"recipes", "runs", "tasks"};
  for (const auto& [name, family] : families()) {
    if (name == plural) return *family;
    names.push_back(name);
  }
  const std::string close = nearest(plural, names);
  throw ConfigError(fmt::format("ls: expected one of {}, got \"{}\"{}", join(names), plural,
                                close.empty() ? "" : "; nearest: \"" + close + "\""));
}

std::vector<FieldInfo> fields_named(const std::string& name) {
  std::vector<std::string> members;
  for (const auto& [plural, family] : families()) {
    for (const auto& kind : family->names()) {
      const std::string member = family->name() + "." + kind;
      if (member == name) {
        auto fields = family->schema(kind).list();
        add_new(fields, family->shared().list());
        return fields;
      }
      if (name.starts_with(member + ".")) {
        auto fields = section(family->schema(kind).list(), name.substr(member.size() + 1));
        if (!fields.empty()) return fields;
      }
      members.push_back(member);
    }
  }
  const auto fields = fields_of_section(name);
  if (!fields.empty()) return fields;
  const std::string close = nearest(name, members);
  throw ConfigError(
      fmt::format("ls -v: expected a member such as router.top_k or a section such as train, got \"{}\"{}", name,
                  close.empty() ? "" : "; nearest: \"" + close + "\""));
}

}  // namespace heterodyne::cli
