// Text vectors: what texts are about, as rows of length one that clusters can be found in (clusters.h). From the words
// alone, or as an encoder reads them.
//
// Letters: N texts, V words, D values of a row.
#pragma once

#include <string>
#include <vector>

#include "heterodyne/data/tokenizer.h"
#include "heterodyne/model/network.h"

namespace heterodyne {

/// Runs of letters and digits in small letters, of at least two characters, in the order of the text. The text must be
/// UTF-8.
std::vector<std::string> words_of(const std::string& text);

/// The words of all texts that at least two and at most half of them have, the 8,192 that most have, and what they
/// weigh in each: tf-idf with w = (1 + ln count) (1 + ln((1 + N) / (1 + texts that have the word))).
struct WeightedWords {
  struct Entry {
    int64_t word;
    double weight;
  };
  std::vector<std::string> words;           // V, in alphabetical order
  std::vector<std::vector<Entry>> entry_N;  // by word; each text's weights have length one, or there are none
};
WeightedWords weighted_words(const std::vector<std::string>& texts);

/// float64 [N, D]: the texts along the D directions in which their words differ most (latent semantic analysis:
/// Deerwester et al. 1990), by a singular value decomposition in random directions with four power iterations (Halko et
/// al. 2011, algorithm 4.4) drawn from the stream "text_vectors". D is `width`, or fewer when there are not so many
/// words or texts. A text without words is a row of zeros. Throws Error when no text has a word that counts.
torch::Tensor word_vectors(const WeightedWords& words, int64_t width, uint64_t seed);

/// float64 [N, D]: the mean of each text's token features, of length one. `encoder` answers with features, [B, S, D] or
/// [B, D], of texts as ids, of which it reads `most` at once; longer ones are cut. Throws Error otherwise.
torch::Tensor encoder_vectors(Network& encoder, const Tokenizer& tokenizer, int64_t most,
                              const std::vector<std::string>& texts);

/// The words that weigh most above their mean over all texts in those of each cluster, `count` at most, by cluster.
std::vector<std::vector<std::string>> typical_words(const WeightedWords& words, const torch::Tensor& cluster_N,
                                                    size_t count);

}  // namespace heterodyne
