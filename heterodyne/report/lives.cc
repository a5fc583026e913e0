#include "heterodyne/report/lives.h"

#include <algorithm>

#include "heterodyne/base/text.h"

namespace heterodyne {
namespace {

LayerLives& layer_named(std::vector<LayerLives>& layers, const std::string& name) {
  const auto found = std::find_if(layers.begin(), layers.end(), [&](const auto& known) { return known.layer == name; });
  if (found != layers.end()) return *found;
  layers.push_back({name, {}, 0});
  return layers.back();
}

Life& life_of(LayerLives& layer, int64_t id) {
  const auto found =
      std::find_if(layer.experts.begin(), layer.experts.end(), [&](const auto& e) { return e.id >= id; });
  if (found != layer.experts.end() && found->id == id) return *found;
  Life life;
  life.id = id;
  return *layer.experts.insert(found, life);
}

std::vector<int64_t> parents_of(const Table& event) {
  std::vector<int64_t> parents;
  const Value* list = event.find("parents");
  if (list == nullptr || list->if_array() == nullptr) return parents;
  for (const Value& parent : *list->if_array()) {
    if (parent.if_integer()) parents.push_back(*parent.if_integer());
  }
  return parents;
}

std::string past(const std::string& event) {
  if (event == "add") return "added";
  if (event == "remove") return "removed";
  if (event == "split") return "split off";
  return event == "merge" ? "merged" : event;
}

void end_life(Life& life, int64_t step) {
  life.is_alive = false;
  life.end = step;
}

void apply(const Table& event, LayerLives& layer) {
  const Value* id = event.find("id");
  if (id == nullptr || id->if_integer() == nullptr) return;
  const int64_t step = integer_or(event, "step", 0);
  const std::string what = text_or_empty(event, "event"), reason = text_or_empty(event, "reason");
  Life& life = life_of(layer, *id->if_integer());
  const bool goes_on = reason.empty() || reason.starts_with("from ");  // "added from 1,204 unrouted tokens"
  life.reasons.push_back(with_commas(step) + " " + past(what) + (goes_on ? "" : ":") +
                         (reason.empty() ? "" : " " + reason));
  if (life.kind.empty()) life.kind = life.name = text_or_empty(event, "kind");
  if (what == "remove") return end_life(life, step);
  if (what != "add" && what != "split" && what != "merge") return;
  life.born = step;
  life.is_alive = true;
  life.parents = parents_of(event);
  if (what != "merge") return;
  const std::vector<int64_t> parents = life.parents;  // life_of() may move `life`
  const int64_t child = life.id;
  for (const int64_t parent : parents) {
    if (parent == child) continue;
    Life& merged = life_of(layer, parent);
    merged.reasons.push_back(with_commas(step) + " merged into " + std::to_string(child));
    end_life(merged, step);
  }
}

}  // namespace

int64_t integer_or(const Table& table, const std::string& key, int64_t otherwise) {
  const Value* value = table.find(key);
  return value && value->if_integer() ? *value->if_integer() : otherwise;
}

std::string text_or_empty(const Table& table, const std::string& key) {
  const Value* value = table.find(key);
  return value && value->if_text() ? *value->if_text() : "";
}

std::string layer_of_event(const Table& event) {
  const int64_t number = integer_or(event, "layer", -1);
  return number >= 0 ? "layers." + std::to_string(number) : text_or_empty(event, "layer");
}

int64_t last_step(const RunRecord& run) {
  int64_t last = 0;
  for (const Table& line : run.metrics) last = std::max(last, integer_or(line, "step", 0));
  for (const Table& event : run.events) last = std::max(last, integer_or(event, "step", 0));
  return last;
}

bool LayerLives::is_fixed() const {
  return std::all_of(experts.begin(), experts.end(), [](const Life& life) { return life.is_alive && life.born == 0; });
}

int64_t LayerLives::num_active(int64_t step) const {
  return std::count_if(experts.begin(), experts.end(),
                       [&](const Life& life) { return life.born <= step && (life.is_alive || life.end > step); });
}

std::vector<std::pair<int64_t, int64_t>> LayerLives::active() const {
  std::vector<int64_t> steps{0};
  for (const Life& life : experts) {
    steps.push_back(life.born);
    if (!life.is_alive) steps.push_back(life.end);
  }
  std::sort(steps.begin(), steps.end());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  std::vector<std::pair<int64_t, int64_t>> counts;
  for (const int64_t step : steps) counts.emplace_back(step, num_active(step));
  return counts;
}

bool LayerLives::is_alive(int64_t id) const {
  return std::any_of(experts.begin(), experts.end(), [&](const Life& life) { return life.id == id && life.is_alive; });
}

std::vector<LayerLives> layer_lives(const ReportInput& input) {
  std::vector<LayerLives> layers;
  for (const LoadHistory& history : input.loads) {
    LayerLives& layer = layer_named(layers, history.layer);
    for (const int64_t id : history.id_E) life_of(layer, id);
  }
  if (input.run.routing) {
    for (const LayerProfile& profile : input.run.routing->layers) {
      LayerLives& layer = layer_named(layers, profile.counts.layer);
      for (const ExpertFacts& expert : profile.experts) {
        Life& life = life_of(layer, expert.id);
        life.name = expert.name;
        life.kind = expert.kind;
      }
    }
  }
  for (const Table& event : input.run.events) {
    const std::string name = layer_of_event(event);
    if (!name.empty()) apply(event, layer_named(layers, name));
  }
  const int64_t last = last_step(input.run);
  for (LayerLives& layer : layers) {
    layer.last_step = last;
    for (Life& life : layer.experts) {
      if (life.is_alive) life.end = last;
    }
  }
  return layers;
}

}  // namespace heterodyne
