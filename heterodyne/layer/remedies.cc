#include "heterodyne/layer/remedies.h"

#include <algorithm>

#include "heterodyne/base/config.h"
#include "heterodyne/base/text.h"
#include "heterodyne/layer/balancer.h"
#include "heterodyne/layer/router.h"

namespace heterodyne {
namespace {

// Finds one setting among those an Options struct shows.
class FieldFinder : public Fields {
 public:
  explicit FieldFinder(std::string_view name) : name_(name) {}
  bool is_found() const { return is_found_; }
  const std::vector<std::string>& choices() const { return choices_; }

 private:
  void visit(const Field& field) override {
    if (field.name != name_) return;
    is_found_ = true;
    choices_ = field.rules.choices;
  }

  std::string_view name_;
  bool is_found_ = false;
  std::vector<std::string> choices_;
};

FieldFinder find_field(const Schema& schema, std::string_view name) {
  FieldFinder finder(name);
  schema.show(finder);
  return finder;
}

std::string kind_of(const Table& settings) {
  const Value* kind = settings.find("kind");
  return kind && kind->if_text() ? *kind->if_text() : "";
}

template <class Kind>
bool has_kind(const Registry<Kind>& registry, const std::string& kind) {
  const auto names = registry.names();
  return std::find(names.begin(), names.end(), kind) != names.end();
}

std::string larger(const std::string& path, const Value* now) {
  return "a larger " + path + (now ? " (" + write_value(*now) + " now)" : "");
}

void add_weights(const Table& moe, std::vector<std::string>& remedies) {
  const Value* list = moe.find("balancers");
  if (list == nullptr || list->if_array() == nullptr) return;
  for (size_t i = 0; i < list->if_array()->size(); ++i) {
    const Table* settings = (*list->if_array())[i].if_table();
    if (settings == nullptr || !has_kind(balancers(), kind_of(*settings))) continue;
    const BalancerKind& kind = balancers().find(kind_of(*settings));
    if (!kind.evens_load || !find_field(kind.schema, "weight").is_found()) continue;
    remedies.push_back(larger("model.moe.balancers." + std::to_string(i) + ".weight", settings->find("weight")));
  }
}

// The usual one of many.
void add_balancer(std::vector<std::string>& remedies) {
  constexpr const char* kUsual = "switch_loss";
  HETERODYNE_DCHECK(balancers().find(kUsual).evens_load);
  remedies.push_back(std::string("model.moe.balancers = [{ kind = \"") + kUsual + "\" }]");
}

void add_noise(const Table& moe, std::vector<std::string>& remedies) {
  const Value* router = moe.find("router");
  if (router == nullptr || router->if_table() == nullptr) return;
  const Table& settings = *router->if_table();
  if (!has_kind(routers(), kind_of(settings))) return;
  const Schema& schema = routers().find(kind_of(settings)).schema;
  const auto choices = find_field(schema, "noise").choices();
  if (choices.empty()) return;
  const Value* noise = settings.find("noise");
  if (noise && *noise != Value("none")) {
    if (!find_field(schema, "noise_scale").is_found()) return;
    return remedies.push_back(larger("model.moe.router.noise_scale", settings.find("noise_scale")));
  }
  const auto some = std::find_if(choices.begin(), choices.end(), [](const auto& choice) { return choice != "none"; });
  if (some != choices.end()) remedies.push_back("model.moe.router.noise = \"" + *some + "\"");
}

}  // namespace

std::vector<std::string> remedies_for_uneven_load(const Table& moe) {
  std::vector<std::string> remedies;
  add_weights(moe, remedies);
  if (remedies.empty()) add_balancer(remedies);
  add_noise(moe, remedies);
  return remedies;
}

std::string remedy_sentence(const Table& moe) {
  const auto remedies = remedies_for_uneven_load(moe);
  if (remedies.empty()) return "";
  const std::string first = join({remedies.begin(), remedies.end() - 1});
  return "Try " + first + (first.empty() ? "" : " or ") + remedies.back() + ".";
}

}  // namespace heterodyne
