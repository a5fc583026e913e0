#include "heterodyne/base/random_cpu.h"

#include "heterodyne/base/clones.h"

namespace heterodyne {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;
constexpr int kLanes = 16;  // blocks computed side by side, so that the compiler can use vector instructions

// Ten rounds over kLanes consecutive blocks of one row. words[w][lane] is word w of block first + lane. A counter has
// room for one and a half of step and row: their high halves share a word, and no run has 2^32 steps.
HETERODYNE_CLONES void philox_lanes(const internal::PhiloxRow& row, uint32_t first, uint32_t (&words)[4][kLanes]) {
  for (int lane = 0; lane < kLanes; ++lane) {
    words[0][lane] = first + static_cast<uint32_t>(lane);
    words[1][lane] = static_cast<uint32_t>(row.row);
    words[2][lane] = static_cast<uint32_t>(row.step);
    words[3][lane] = static_cast<uint32_t>(row.step >> 32) ^ static_cast<uint32_t>(row.row >> 32);
  }
  uint32_t key0 = row.key[0], key1 = row.key[1];
  for (int round = 0; round < kRounds; ++round) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const uint64_t product0 = uint64_t{kMultiplier0} * words[0][lane];
      const uint64_t product1 = uint64_t{kMultiplier1} * words[2][lane];
      const uint32_t new0 = static_cast<uint32_t>(product1 >> 32) ^ words[1][lane] ^ key0;
      const uint32_t new2 = static_cast<uint32_t>(product0 >> 32) ^ words[3][lane] ^ key1;
      words[0][lane] = new0;
      words[1][lane] = static_cast<uint32_t>(product1);
      words[2][lane] = new2;
      words[3][lane] = static_cast<uint32_t>(product0);
    }
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
}

}  // namespace

std::array<uint32_t, 4> internal::philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

void internal::philox_uniform(const PhiloxRow& row, uint64_t begin, uint64_t end, float* out) {
  constexpr uint64_t kColumns = 4 * kLanes;
  uint32_t words[4][kLanes];
  for (uint64_t start = begin - begin % kColumns; start < end; start += kColumns) {
    philox_lanes(row, static_cast<uint32_t>(start / 4), words);
    const uint64_t from = start < begin ? begin - start : 0;
    const uint64_t to = end - start < kColumns ? end - start : kColumns;
    for (uint64_t i = from; i < to; ++i) {
      out[start + i - begin] = static_cast<float>(words[i % 4][i / 4] >> 8) * 0x1p-24F;
    }
  }
}

}  // namespace heterodyne
