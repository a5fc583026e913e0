#include <gtest/gtest.h>

#include "heterodyne/base/error.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/data/dataset.h"
#include "heterodyne/data/fixtures.h"

namespace heterodyne::domain_folder_test {
namespace {

class DomainFolder : public testing::Test {
 protected:
  std::unique_ptr<Dataset> make(const std::string& path, const std::string& held_out, int64_t split_seed = 0) const {
    const Table settings{{"kind", "domain_folder"},        {"path", path}, {"held_out", held_out},
                         {"classes", Array{"cat", "dog"}}, {"size", 4},    {"split_seed", split_seed}};
    return datasets().make(Member(settings), DataContext{{folder_.path()}, 0.2, {}, 1});
  }
  template <class Kind>
  std::string complaint(const std::string& path, const std::string& held_out) const {
    return fixtures::message_of<Kind>([&] { make(path, held_out); });
  }
  // Ten, five and three pictures of each class.
  void put_domains() const {
    fixtures::put_classes(folder_, "set/art", 10);
    fixtures::put_classes(folder_, "set/photo", 5);
    fixtures::put_classes(folder_, "set/sketch", 3);
  }
  fixtures::TemporaryFolder folder_;
};

// A fifth of ten and of five of each class are validated.
TEST_F(DomainFolder, ADomainIsHeldOutAndAFifthOfTheOthers) {
  put_domains();
  const auto set = make("set", "sketch");
  EXPECT_EQ(set->size(Split::kTrain), 2 * (8 + 4));
  EXPECT_EQ(set->size(Split::kValid), 2 * (2 + 1));
  EXPECT_EQ(set->size(Split::kTest), 2 * 3);
  EXPECT_EQ(make("set", "art")->size(Split::kTest), 2 * 10);
  EXPECT_TRUE(torch::equal(set->labels(Split::kTest), torch::tensor({0, 0, 0, 1, 1, 1}, torch::kInt64)));
}

TEST_F(DomainFolder, TheSeedSaysWhichAreValidated) {
  put_domains();
  const auto images = [&](int64_t seed) {
    return make("set", "sketch", seed)->get(Split::kValid, torch::arange(6)).inputs;
  };
  EXPECT_TRUE(torch::equal(images(1), images(1)));
  EXPECT_FALSE(torch::equal(images(1), images(2)));
}

TEST_F(DomainFolder, SaysWhatIsWrongWithTheFolder) {
  put_domains();
  const std::string root = folder_.path();
  EXPECT_EQ(complaint<ConfigError>("set", "skech"),
            "[dataset.domain_folder] held_out: expected one of art, photo, sketch, got \"skech\"; nearest: \"sketch\"");
  EXPECT_EQ(complaint<FormatError>("set/art", "cat"),
            root +
                "/set/art: expected a folder for each domain with one for each class, got pictures in \"cat\" itself. "
                "Is it the folder of one domain?");
  fixtures::put_classes(folder_, "one/art", 1);
  EXPECT_EQ(complaint<FormatError>("one", "art"),
            root +
                "/one: expected folders of two domains or more, got 1. Expected is FOLDER/DOMAIN/CLASS/PICTURE.jpg: "
                "--set data.path=FOLDER");
  folder_.put("set/photo/cow/0.ppm", fixtures::plain_picture(1, 1, 1, 1, 1, 1));
  EXPECT_EQ(complaint<FormatError>("set", "sketch"),
            root + "/set/photo: expected folders of the classes cat, dog, got another, \"cow\"");
}

}  // namespace
}  // namespace heterodyne::domain_folder_test
