#include "heterodyne/convert/neuron_map.h"

#include <gtest/gtest.h>

#include "heterodyne/base/error.h"

namespace heterodyne::neuron_map_test {
namespace {

TEST(NeuronMap, TextComesBack) {
  const std::string text = "0\n1,2\n\n2\n0,1,2\n";
  const auto map = parse_neuron_map(text, 3, "f");
  EXPECT_EQ(text_of(map), text);
  EXPECT_EQ(map.num_neurons(), 5);
  EXPECT_EQ(map.sizes(), (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ(map.neurons_of(1), (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(map.common(), (std::vector<int64_t>{4}));
  EXPECT_EQ(map.num_left_out(), 1);
  EXPECT_FALSE(map.is_partition());
  EXPECT_EQ(parse_neuron_map("0\r\n1\r\n1", 2, "f").sizes(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parse_neuron_map("", 2, "f").num_neurons(), 0);
}

TEST(NeuronMap, APartitionHasEachNeuronOnce) {
  const auto map = partition_of({1, 0, 1, 1}, 2);
  EXPECT_TRUE(map.is_partition());
  EXPECT_EQ(text_of(map), "1\n0\n1\n1\n");
  EXPECT_TRUE(partition_of({0, 0}, 1).common().empty());
  EXPECT_EQ(neuron_map_name(4, 8), "4.part.8");
}

TEST(NeuronMap, CopiesHaveEveryNeuron) {
  EXPECT_TRUE(parse_neuron_map("0,1\n0,1\n", 2, "f").are_copies());
  EXPECT_FALSE(parse_neuron_map("0,1\n0\n", 2, "f").are_copies());
  EXPECT_FALSE(partition_of({0, 0}, 1).are_copies());
}

TEST(NeuronMap, BadLinesAreNamed) {
  for (const char* text : {"0\n3\n", "0\nx\n", "0\n1;2\n", "0\n-1\n", "0\n1,,2\n", "0\n99999999999999999999\n"}) {
    try {
      parse_neuron_map(text, 3, "4.part.3");
      FAIL() << text;
    } catch (const FormatError& error) {
      EXPECT_EQ(std::string(error.what()).rfind("4.part.3:2: expected numbers of experts 0 .. 2, got ", 0), 0U)
          << error.what();
    }
  }
  EXPECT_THROW(parse_neuron_map("1,1\n", 3, "f"), FormatError);
}

}  // namespace
}  // namespace heterodyne::neuron_map_test
