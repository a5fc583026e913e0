#include "heterodyne/base/families.h"

#include <gtest/gtest.h>

#include "heterodyne/base/config.h"
#include "heterodyne/base/fixtures.h"
#include "heterodyne/base/registry.h"

namespace heterodyne::families_test {
namespace {

struct NoOptions {
  void visit(Fields&) {}
};

struct SoundKind {
  std::string summary;
  Schema schema;
  std::function<std::string(const Table&, const Place&)> make;
};
using SoundRegistry = Registry<SoundKind>;

SoundKind sound(const std::string& text) {
  return {text, Schema::of<NoOptions>(), [text](const Table&, const Place&) { return text; }};
}

const SoundRegistry& sounds() {
  static const SoundRegistry all = [] {
    SoundRegistry registry("sound");
    registry.add("bark", sound("woof"));
    return registry;
  }();
  return all;
}

SoundRegistry my_sounds() {
  SoundRegistry mine = sounds();
  mine.add("meow", sound("miaow"));
  mine.add("bark", sound("WOOF"));
  return mine;
}

struct PetOptions {
  Member first{Table{{"kind", "bark"}}};
  std::vector<Member> others;
  void visit(Fields& field) {
    field("first", first, "what it says", member_of(sounds()));
    field("others", others, "what it also says", member_of(sounds()));
  }
};

// A kind with members of its own.
struct PetKind {
  std::string summary;
  Schema schema;
  std::function<std::string(const Table&, const Place&)> make;
};
using PetRegistry = Registry<PetKind>;

const PetRegistry& pets() {
  static const PetRegistry all = [] {
    PetRegistry registry("pet");
    registry.add("loud", {"all it says", Schema::of<PetOptions>(), [](const Table& table, const Place& place) {
                            const auto options = read_options<PetOptions>(table, place);
                            std::string text = sounds().make(options.first);
                            for (const auto& other : options.others) text += " " + sounds().make(other);
                            return text;
                          }});
    return registry;
  }();
  return all;
}

struct HouseOptions {
  Member pet;
  void visit(Fields& field) { field("pet", pet, "who lives there", member_of(pets())); }
};

Table house(const std::string& pet) { return parse_toml("pet = " + pet, "my.toml"); }

TEST(Families, AConfigurationMayNameKindsOfTheProgramsOwn) {
  const Place place{"", "", Families().with(my_sounds())};
  const auto options = read_options<HouseOptions>(house("{ kind = 'loud', others = ['meow'] }"), place);
  EXPECT_EQ(pets().make(options.pet), "WOOF miaow");
}

TEST(Families, WithoutThemTheBuiltInKindsCount) {
  const auto options = read_options<HouseOptions>(house("{ kind = 'loud', others = ['meow'] }"), {});
  EXPECT_EQ(fixtures::message_of<ConfigError>([&] { pets().make(options.pet); }),
            "my.toml:1:34: [pet.others.0] kind: expected one of bark, got \"meow\"");
}

TEST(Families, ResolvingKnowsThemToo) {
  const Table written = house("{ kind = 'loud', others = ['meow'] }");
  Problems none, some;
  const Table resolved = Schema::of<HouseOptions>().resolve(written, {"", "", Families().with(my_sounds())}, none);
  none.throw_if_any();
  EXPECT_EQ(*resolved.find_path("pet.others")->if_array(), Array{(Table{{"kind", "meow"}})});
  Schema::of<HouseOptions>().resolve(written, {}, some);
  EXPECT_FALSE(some.empty());
}

TEST(Families, ALiteralChoiceBringsThem) {
  EXPECT_EQ(sounds().make(Member(Table{{"kind", "meow"}}, Families().with(my_sounds()))), "miaow");
  EXPECT_THROW(sounds().make(Member(Table{{"kind", "meow"}})), ConfigError);
}

TEST(Families, TheLatestOfANameCounts) {
  SoundRegistry silent("sound");
  silent.add("bark", sound(""));
  const Families both = Families().with(my_sounds()).with(silent);
  EXPECT_EQ(sounds().make(Member(Table{{"kind", "bark"}}, both)), "");
  EXPECT_EQ(both.find("pet"), nullptr);
}

TEST(Families, ARegistryOfAnotherTypeUnderTheSameNameIsNotTaken) {
  EXPECT_EQ(sounds().make(Member(Table{{"kind", "bark"}}, Families().with(Registry<PetKind>("sound")))), "woof");
}

}  // namespace
}  // namespace heterodyne::families_test
