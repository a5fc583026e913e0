#include "cli/families.h"

#include <gtest/gtest.h>

#include "heterodyne/base/fixtures.h"

namespace heterodyne::cli::families_test {
namespace {

bool has(const std::vector<FieldInfo>& fields, const std::string& name) {
  return std::any_of(fields.begin(), fields.end(), [&](const FieldInfo& field) { return field.name == name; });
}

TEST(Families, EveryMemberHasASummaryAndItsSettingsHaveSentences) {
  for (const auto& [plural, family] : families()) {
    EXPECT_EQ(&family_named(plural), family);
    ASSERT_FALSE(family->names().empty()) << plural;
    for (const auto& kind : family->names()) {
      EXPECT_FALSE(family->summary(kind).empty()) << plural << "." << kind;
      for (const auto& field : family->schema(kind).list())
        EXPECT_FALSE(field.sentence.empty()) << kind << "." << field.name;
    }
  }
}

TEST(Families, AMembersSettingsIncludeTheSharedOnes) {
  EXPECT_TRUE(has(fields_named("router.top_k"), "k"));
  EXPECT_TRUE(has(fields_named("expert.mlp"), "count"));
  EXPECT_TRUE(has(fields_named("optimizer.adamw"), "lr"));
}

TEST(Families, SectionsAreListedToo) {
  EXPECT_TRUE(has(fields_named("train"), "epochs"));
  EXPECT_TRUE(has(fields_named("train.checkpoint"), "keep"));
  EXPECT_TRUE(has(fields_named("model.moe"), "experts"));
  EXPECT_TRUE(has(fields_named("data"), "batch"));
  EXPECT_TRUE(has(fields_named("network.dmmoe.moe"), "experts"));
  EXPECT_TRUE(has(fields_named("dataset.synthetic.augment"), "flip"));
}

TEST(Families, PathsOfSettingsGoThroughEveryKindOnce) {
  const auto paths = setting_paths();
  for (const char* path : {"seed", "data.kind", "data.batch", "model.moe.router.k", "model.moe.experts.0.hidden",
                           "train.epochs", "train.checkpoint.keep", "model.moe.dispatcher.first.kind"})
    EXPECT_EQ(std::count(paths.begin(), paths.end(), path), 1) << path;
}

TEST(Families, WhatIsUnknownIsAnsweredWithTheNearest) {
  EXPECT_NE(fixtures::message_of<ConfigError>([] { family_named("router"); }).find("nearest: \"routers\""),
            std::string::npos);
  EXPECT_NE(fixtures::message_of<ConfigError>([] { fields_named("router.topk"); }).find("nearest: \"router.top_k\""),
            std::string::npos);
}

}  // namespace
}  // namespace heterodyne::cli::families_test
