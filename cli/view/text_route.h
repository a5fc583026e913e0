// Text route: a text with the experts that worked on each of its tokens, in every layer, in colours on the terminal and
// as a page that needs no network.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "heterodyne/train/load_model.h"

namespace heterodyne::cli {

struct RoutedToken {
  std::string piece;                          // what it adds to the text
  std::vector<std::vector<int64_t>> experts;  // ids, of each layer, best first
};

struct RoutedText {
  std::string model;
  struct Layer {
    std::string name;
    std::vector<int64_t> ids;
    std::vector<std::string> experts;  // their names, in the order of the ids
  };
  std::vector<Layer> layers;
  std::vector<RoutedToken> tokens;
};

/// Reads the first `num_tokens` of the text, or as many as the model accepts, and says so on `terminal` when that is
/// not all of it. Throws ConfigError when the model reads no text, FormatError naming `where` when the text has no
/// symbols.
RoutedText route_text(const TrainedModel& model, const std::string& path, const std::string& text,
                      const std::string& where, int64_t num_tokens, Terminal& terminal);

/// On the terminal, coloured by the first expert in the first layer: see trace.h.
void print_routed(const RoutedText& text, Network& network, Terminal& terminal);

/// A page: tokens coloured by their first expert in one layer, which can be chosen; all their experts when pointed at;
/// the shares of each layer's experts. Readable without scripts; it makes no request.
std::string routed_page(const RoutedText& text);

struct RoutedTextRequest {
  std::string model, file;
  int64_t num_tokens = 0;
  std::string page;  // the file to write; empty for none
  bool is_dry = false;
  std::string dtype = "float32";  // of the weights: see use_dtype()
};
/// All of it: reads, shows and writes. Throws ConfigError when the model has no Mixture-of-Experts layers too.
void show_routed_text(const RoutedTextRequest& request, Terminal& terminal);

}  // namespace heterodyne::cli
