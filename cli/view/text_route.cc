#include "cli/view/text_route.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "cli/compute.h"
#include "cli/text/likelihood.h"
#include "cli/view/trace.h"
#include "heterodyne/base/text.h"
#include "heterodyne/eval/generate.h"
#include "heterodyne/io/compressed.h"
#include "heterodyne/io/file.h"
#include "heterodyne/report/html.h"

namespace heterodyne::cli {
namespace {

// Backgrounds, each for light and dark ground alike: text on them keeps the page's own colour.
constexpr std::array kBackgrounds = {"#0072b266", "#e69f0066", "#009e7366", "#cc79a766", "#56b4e966", "#d55e0066",
                                     "#f0e44266", "#99999966", "#6a3d9a66", "#b1592866", "#33a02c66", "#fb9a9966"};

constexpr const char* kStyle = R"(
:root{color-scheme:light dark}
body{font:16px/1.7 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
pre{font:15px/1.9 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #8886;padding:1rem}
pre span{border-radius:3px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.1rem .8rem .1rem 0;text-align:left}
)";

// The chosen layer alone is shown, and tokens take its colours.
constexpr const char* kScript = R"(
const choice=document.getElementById('layer');
function show(){
for(const t of document.querySelectorAll('pre span')){const p=t.dataset.first.split(' ')[choice.value];t.className=p==='-'?'':'e'+p%12;}
document.querySelectorAll('section').forEach((s,i)=>{s.hidden=i!=choice.value;});
}
choice.addEventListener('change',show);choice.parentElement.hidden=false;show();
)";

int64_t position_in(const RoutedText::Layer& layer, int64_t id) {
  return std::find(layer.ids.begin(), layer.ids.end(), id) - layer.ids.begin();
}

const std::vector<int64_t>& experts_in(const RoutedToken& token, size_t layer) {
  static const std::vector<int64_t> none;
  return layer < token.experts.size() ? token.experts[layer] : none;
}

// "layers.0: 3 mlp, 1 mlp; layers.1: none"
std::string all_experts(const RoutedText& text, const RoutedToken& token) {
  std::vector<std::string> layers;
  for (size_t l = 0; l < text.layers.size(); ++l) {
    std::vector<std::string> names;
    for (const int64_t id : experts_in(token, l))
      names.push_back(
          fmt::format("{} {}", id, text.layers[l].experts[static_cast<size_t>(position_in(text.layers[l], id))]));
    layers.push_back(text.layers[l].name + ": " + (names.empty() ? "none" : join(names)));
  }
  return join(layers, "; ");
}

std::string token_html(const RoutedText& text, const RoutedToken& token) {
  std::string first, colour;
  for (size_t l = 0; l < text.layers.size(); ++l) {
    const auto& experts = experts_in(token, l);
    const std::string position = experts.empty() ? "-" : std::to_string(position_in(text.layers[l], experts[0]));
    if (l == 0 && !experts.empty())
      colour = fmt::format(" class=\"e{}\"",
                           static_cast<size_t>(position_in(text.layers[0], experts[0])) % kBackgrounds.size());
    first += (l > 0 ? " " : "") + position;
  }
  return fmt::format("<span{} data-first=\"{}\" title=\"{}\">{}</span>", colour, first,
                     escape_html(all_experts(text, token)), escape_html(token.piece));
}

std::string layer_html(const RoutedText& text, size_t l) {
  const auto& layer = text.layers[l];
  std::map<int64_t, int64_t> first, any;  // tokens by position
  for (const auto& token : text.tokens) {
    const auto& experts = experts_in(token, l);
    if (!experts.empty()) ++first[position_in(layer, experts[0])];
    for (const int64_t id : experts) ++any[position_in(layer, id)];
  }
  const auto share = [&](int64_t count) {
    return fmt::format("{:.1f} %", 100.0 * static_cast<double>(count) / static_cast<double>(text.tokens.size()));
  };
  std::string html = "<section><h2>" + escape_html(layer.name) +
                     "</h2><table><tr><th>expert</th><th>first choice of</th><th>chosen for</th></tr>";
  for (size_t e = 0; e < layer.ids.size(); ++e) {
    const auto position = static_cast<int64_t>(e);
    html += fmt::format("<tr><td><span class=\"e{}\">&nbsp;{} {}&nbsp;</span></td><td>{}</td><td>{}</td></tr>",
                        e % kBackgrounds.size(), layer.ids[e], escape_html(layer.experts[e]), share(first[position]),
                        share(any[position]));
  }
  return html + "</table></section>\n";
}

}  // namespace

RoutedText route_text(const TrainedModel& model, const std::string& path, const std::string& text,
                      const std::string& where, int64_t num_tokens, Terminal& terminal) {
  const auto tokenizer = tokenizer_of(model.experiment);
  auto ids = tokenizer->framed(tokenizer->encode(text, where)).ids;
  if (ids.empty()) throw FormatError(where, "expected a text of at least one symbol, got none");
  const auto all = static_cast<int64_t>(ids.size()), most = std::min(num_tokens, longest_text(model.experiment));
  if (all > most) {
    ids.resize(static_cast<size_t>(most));
    terminal.say(fmt::format("note: the first {} of {} tokens are shown", with_commas(most), with_commas(all)));
  }
  RoutedText routed{path, {}, {}};
  for (const MoeLayer* layer : model.network->moe_layers()) {
    RoutedText::Layer named{layer->layer_name(), layer->ids(), {}};
    for (const auto& slot : layer->slots()) named.experts.push_back(layer->group_name(slot.group));
    routed.layers.push_back(std::move(named));
  }
  int64_t before = -1;
  Generator(*model.network).read(ids, [&](const GeneratedToken& token) {
    routed.tokens.push_back({tokenizer->piece(token.id, before), token.experts});
    before = token.id;
  });
  return routed;
}

void print_routed(const RoutedText& text, Network& network, Terminal& terminal) {
  Trace trace(network, terminal, true);
  for (const auto& token : text.tokens) trace.add(token.piece, token.experts);
  trace.finish();
}

std::string routed_page(const RoutedText& text) {
  std::string colours;
  for (size_t i = 0; i < kBackgrounds.size(); ++i)
    colours += fmt::format(".e{}{{background:{}}}\n", i, kBackgrounds[i]);
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "script-src 'unsafe-inline'; style-src 'unsafe-inline'\">\n<title>" +
      escape_html(text.model) + "</title><style>" + kStyle + colours + "</style></head><body>\n<h1>" +
      escape_html(text.model) + "</h1>\n<p>" +
      fmt::format("{} tokens, each coloured by its first expert; all its experts show when it is pointed at.</p>\n",
                  with_commas(static_cast<int64_t>(text.tokens.size())));
  html += "<label hidden>Layer <select id=\"layer\">";
  for (size_t l = 0; l < text.layers.size(); ++l)
    html += fmt::format("<option value=\"{}\">{}</option>", l, escape_html(text.layers[l].name));
  html += "</select></label>\n<pre>";
  for (const auto& token : text.tokens) html += token_html(text, token);
  html += "</pre>\n";
  for (size_t l = 0; l < text.layers.size(); ++l) html += layer_html(text, l);
  return html + "<script>" + kScript + "</script></body></html>\n";
}

void show_routed_text(const RoutedTextRequest& request, Terminal& terminal) {
  if (!request.page.empty() && !request.page.ends_with(".html"))
    throw ConfigError("route", "out", "expected a name that ends in .html, got " + request.page);
  const auto model = load_model(request.model, {}, terminal.log());
  if (model.network->moe_layers().empty())
    throw ConfigError("route", "model",
                      request.model + ": expected a network with Mixture-of-Experts layers, it has none");
  use_dtype(request.dtype, *model.network, terminal);
  const auto text = route_text(model, request.model, io::read_maybe_compressed(request.file), request.file,
                               request.num_tokens, terminal);
  if (request.is_dry) return terminal.say("nothing was written: --dry-run");
  print_routed(text, *model.network, terminal);
  if (request.page.empty()) return;
  io::write_file(request.page, routed_page(text));
  terminal.say("wrote " + request.page);
}

}  // namespace heterodyne::cli
