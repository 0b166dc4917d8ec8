#include "daemon/service/evidence/facts_of_placement.h"

#include <gmock/gmock.h>

#include "tests/daemon/service/evidence/fact_test_support.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kProcess = kWatched.tgid;
constexpr int64_t kGibibyte = int64_t{1} << 30;

NumaNode NodeOf(int number, std::vector<int> cpus, std::vector<NodeDistance> distances) {
  NumaNode node;
  node.node = number;
  node.cpus = std::move(cpus);
  node.has_memory = true;
  node.free_bytes = kGibibyte;
  node.distances = std::move(distances);
  return node;
}

// CPUs 0-1 on node 0, 2-3 on node 1, and a node of memory alone, nearer to node 1.
NumaNodes ThreeNodes() {
  NumaNodes nodes;
  nodes.told = true;
  nodes.nodes = {NodeOf(0, {0, 1}, {{0, 10}, {1, 20}, {2, 30}}), NodeOf(1, {2, 3}, {{0, 20}, {1, 10}, {2, 17}}),
                 NodeOf(2, {}, {{0, 30}, {1, 17}, {2, 10}})};
  return nodes;
}

MappingPlacement Mapping(std::string name, MappingKind kind, std::vector<NodeShare> nodes) {
  MappingPlacement mapping;
  mapping.name = std::move(name);
  mapping.kind = kind;
  mapping.page_bytes = 4'096;
  mapping.page_count = 8'192;
  for (const NodeShare& share : nodes) mapping.sampled_count += share.pages;
  mapping.nodes = std::move(nodes);
  return mapping;
}

NodeShare Pages(int node, uint64_t pages) {
  NodeShare share;
  share.node = node;
  share.pages = pages;
  return share;
}

class PlacementFactsTest : public testing::Test {
 protected:
  PlacementFactsTest() {
    look_.nodes = ThreeNodes();
    look_.processes.resize(1);
    look_.processes[0].pid = kProcess;
    look_.processes[0].placement = ProcessPlacement{};
    RanOn({{.node = 0, .running_ns = 1'000}});
  }
  // The one thread's time.
  void RanOn(std::vector<NodeTime> nodes) {
    threads_ = {{.thread = kWatched, .running_ns = 0, .nodes = std::move(nodes), .unavailable = {}}};
    for (const NodeTime& part : threads_[0].nodes) threads_[0].running_ns += part.running_ns;
  }
  MappingPlacement* Has(MappingPlacement mapping) {
    look_.processes[0].placement->mappings.push_back(std::move(mapping));
    return &look_.processes[0].placement->mappings.back();
  }
  std::vector<Fact> Facts() {
    std::vector<Fact> facts;
    missing_.clear();
    AddPlacementFacts(TestContext(), look_, threads_, &facts, &missing_);
    return facts;
  }
  Judgement Judged() { return JudgeFacts(Facts()); }

  NumaLook look_;
  std::vector<ThreadNodes> threads_;
  std::vector<MissingEvidence> missing_;
};

TEST_F(PlacementFactsTest, MemoryOfTheFarNodeIsToMoveAndItsRoomAndDistanceAreKnown) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(0, 16), Pages(1, 1'008)}));
  const std::vector<Fact> facts = Facts();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].values.at(FactField::kCount), FactValue(int64_t{1'024}));
  EXPECT_EQ(facts[0].values.at(FactField::kDistanceRatio), FactValue(2.0));
  EXPECT_TRUE(facts[0].quality.sampled);
  EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("of 1024 pages that were looked at and are there 1008 lie on other nodes than 0"));
  const Judgement judged = JudgeFacts(facts);
  ASSERT_EQ(judged.recommendations.size(), 1u);
  EXPECT_EQ(judged.recommendations[0].rule, "memory-on-wrong-node");
  EXPECT_EQ(judged.recommendations[0].action.command, "migratepages 1000 1 0");
  EXPECT_EQ(judged.recommendations[0].action.undo, "migratepages 1000 0 1");
  EXPECT_THAT(judged.recommendations[0].action.code_hint, HasSubstr("hftmon numa -p 1000 --exact")) << "its policy was not looked at";
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(PlacementFactsTest, TheShareIsTheLowerEndOfWhatTheSampleAllows) {
  MappingPlacement* mapping = Has(Mapping("", MappingKind::kAnonymous, {Pages(0, 768), Pages(1, 256)}));
  const auto share = [this] { return std::get<double>(Facts().at(0).values.at(FactField::kRemoteShareLow)); };
  EXPECT_LT(share(), 0.25);
  EXPECT_GT(share(), 0.22);
  mapping->exact = true;
  EXPECT_EQ(share(), 0.25);
}

TEST_F(PlacementFactsTest, MemoryAtHomeAndWhatChangedMeanwhileMakeNoFact) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(0, 1'024)}));
  Has(Mapping("", MappingKind::kAnonymous, {}));
  Has(Mapping("/memfd:x", MappingKind::kAnonymous, {Pages(1, 1'024)}))->changed = true;
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(PlacementFactsTest, ARangeThatTheProgramNamesIsToldByItsNameAheadOfTheMappings) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(0, 1'020), Pages(1, 4)}));
  look_.processes[0].placement->ranges = {Mapping("book", MappingKind::kHeap, {Pages(1, 512)}),
                                          Mapping("pool", MappingKind::kHeap, {Pages(0, 512)}),
                                          Mapping("queue", MappingKind::kHeap, {Pages(1, 512)})};
  look_.processes[0].placement->ranges[2].changed = true;
  const std::vector<Fact> facts = Facts();
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts[0].values.at(FactField::kMapping), FactValue(std::string("book")));
  EXPECT_EQ(facts[0].values.at(FactField::kCount), FactValue(int64_t{512}));
  EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("book, a range that the program names, of process 1000: of 512 pages"));
  EXPECT_EQ(facts[1].values.at(FactField::kMapping), FactValue(std::string("[heap]")));
  const Judgement judged = Judged();
  ASSERT_EQ(judged.recommendations.size(), 1u) << "too few of the heap's pages are far";
  EXPECT_EQ(judged.recommendations[0].action.command, "migratepages 1000 1 0");
}

TEST_F(PlacementFactsTest, TheRoomThatAMoveTakesCountsTheRangesPagesOnce) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  look_.processes[0].placement->ranges = {Mapping("book", MappingKind::kHeap, {Pages(1, 1'024)})};
  // Of either 32 MiB are far, which are the same: twice that is to be free.
  look_.nodes.nodes[0].free_bytes = 65 << 20;
  for (const Fact& fact : Facts()) EXPECT_EQ(fact.values.at(FactField::kRoom), FactValue(int64_t{1}));
  look_.nodes.nodes[0].free_bytes = 63 << 20;
  for (const Fact& fact : Facts()) EXPECT_EQ(fact.values.at(FactField::kRoom), FactValue(int64_t{0}));
}

TEST_F(PlacementFactsTest, ARangeOfWhichTheMappingsSampleMetNothingHasItsOwnRoom) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(0, 1'024)}));
  look_.processes[0].placement->ranges = {Mapping("book", MappingKind::kHeap, {Pages(1, 1'024)})};
  look_.nodes.nodes[0].free_bytes = 63 << 20;
  const std::vector<Fact> facts = Facts();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].values.at(FactField::kRoom), FactValue(int64_t{0}));
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("32 MiB of process 1000 lie on node 1"));
}

TEST_F(PlacementFactsTest, APolicyThatBindsIsToldAndWhatToDoAboutIt) {
  MappingPlacement* mapping = Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  mapping->policy = "bind=static:1";
  mapping->exact = true;
  const Judgement judged = Judged();
  ASSERT_EQ(judged.recommendations.size(), 1u);
  EXPECT_EQ(judged.recommendations[0].action.command, "migratepages 1000 1 0");
  EXPECT_THAT(judged.recommendations[0].action.code_hint, HasSubstr("its policy (bind) stays"));
  EXPECT_EQ(PolicyWord("default"), "default");
  EXPECT_EQ(PolicyWord("bind:1"), "bind");
  EXPECT_EQ(PolicyWord("prefer (many):0"), "prefer_many");
  EXPECT_EQ(PolicyWord("weighted interleave:0-1"), "weighted_interleave");
  EXPECT_EQ(PolicyWord("interleave=relative:0-1"), "interleave");
  EXPECT_EQ(PolicyWord("of tomorrow; rm -rf"), "");
}

TEST_F(PlacementFactsTest, WhatOthersMapTooIsNotAdvisedOn) {
  Has(Mapping("/usr/lib/libc.so.6", MappingKind::kFile, {Pages(1, 1'024)}));
  Has(Mapping("", MappingKind::kAnonymous, {Pages(1, 1'024)}))->mapper_count = 2;
  Has(Mapping("/dev/shm/book", MappingKind::kSharedMemory, {Pages(1, 1'024)}))->shared = true;
  EXPECT_EQ(Facts().size(), 3u);
  EXPECT_THAT(Judged().recommendations, IsEmpty());
  Has(Mapping("/data/own", MappingKind::kFile, {Pages(1, 1'024)}))->mapper_count = 1;
  EXPECT_EQ(Judged().recommendations.size(), 1u);
}

TEST_F(PlacementFactsTest, AProcessWithoutAHomeGetsNoAdvice) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  RanOn({{.node = 0, .running_ns = 899}, {.node = 1, .running_ns = 101}});
  EXPECT_THAT(Judged().recommendations, IsEmpty());
  EXPECT_THAT(missing_, IsEmpty()) << "that is known, and is no fault";
  RanOn({{.node = 0, .running_ns = 900}, {.node = 1, .running_ns = 100}});
  EXPECT_EQ(Judged().recommendations.size(), 1u);
}

TEST_F(PlacementFactsTest, WhoseThreadsNobodyPlacedIsNotJudgedAndSaidSo) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  RanOn({});
  EXPECT_THAT(Facts(), IsEmpty());
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("no thread of process 1000 ran"));
  RanOn({{.node = 0, .running_ns = 500}});
  ThreadKey other = kWatched;
  ++other.tid;
  threads_.push_back({.thread = other, .running_ns = 500, .nodes = {}, .unavailable = "of 9 moves 3 are kept"});
  EXPECT_THAT(Facts(), IsEmpty());
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("thread 1002 of process 1000"));
  EXPECT_THAT(missing_[0].reason, HasSubstr("of 9 moves 3 are kept"));
  threads_[1].running_ns = 5;
  EXPECT_EQ(Facts().size(), 1u) << "so little does not matter";
}

TEST_F(PlacementFactsTest, OfAHomeWithoutMemoryTheNearestNodeIsTheWantedOne) {
  look_.nodes.nodes[0].has_memory = false;
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 512), Pages(2, 512)}));
  const std::vector<Fact> facts = Facts();
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].values.at(FactField::kFromNode), FactValue(int64_t{2}));
  EXPECT_EQ(facts[0].values.at(FactField::kToNode), FactValue(int64_t{1}));
  EXPECT_EQ(facts[0].values.at(FactField::kHomeNode), FactValue(int64_t{0}));
  EXPECT_EQ(facts[0].values.at(FactField::kDistanceRatio), FactValue(1.5));
  EXPECT_THAT(facts[0].evidence.sentence, HasSubstr("on CPUs of node 0, which has no memory: node 1 is the nearest that has some"));
  const Judgement judged = JudgeFacts(facts);
  ASSERT_EQ(judged.recommendations.size(), 1u);
  EXPECT_THAT(judged.recommendations[0].cause, HasSubstr("100 % of the time on node 0, and the memory nearest to that is node 1's"));
  EXPECT_EQ(judged.recommendations[0].action.command, "migratepages 1000 2 1");
  EXPECT_THAT(judged.recommendations[0].action.persist, HasSubstr("--membind=1 --cpunodebind=0"));
  look_.nodes.nodes[1].free_bytes = 1;
  EXPECT_THAT(Facts(), testing::SizeIs(1));
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("node 1, the nearest that has memory to where its threads run, has 0 MiB free"));
}

TEST_F(PlacementFactsTest, WhatIsNearestToAHomeWithoutMemoryIsNotGuessed) {
  look_.nodes.nodes[0].has_memory = false;
  for (NumaNode& node : look_.nodes.nodes) node.distances.clear();
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 512), Pages(2, 512)}));
  EXPECT_THAT(Facts(), IsEmpty());
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("node 0, where its threads run, has none"));
}

TEST_F(PlacementFactsTest, OfAHomeWithMemoryTheCauseNamesItAlone) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  const Judgement judged = Judged();
  ASSERT_EQ(judged.recommendations.size(), 1u);
  EXPECT_THAT(judged.recommendations[0].cause,
              HasSubstr("lie on other nodes than 0, most of them on node 1; its threads ran 100 % of the time on node 0"));
  EXPECT_THAT(judged.recommendations[0].cause, testing::Not(HasSubstr("nearest")));
}

TEST_F(PlacementFactsTest, AFullNodeIsNoPlaceToMoveTo) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  look_.nodes.nodes[0].free_bytes = 2 * 8'192 * 4'096 - 1;
  EXPECT_EQ(Facts().at(0).values.at(FactField::kRoom), FactValue(int64_t{0}));
  EXPECT_THAT(Judged().recommendations, IsEmpty());
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("32 MiB of process 1000 lie on node 1, and node 0"));
  look_.nodes.nodes[0].free_bytes = 2 * 8'192 * 4'096;
  EXPECT_EQ(Judged().recommendations.size(), 1u);
  look_.nodes.nodes[0].free_bytes = std::nullopt;
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_EQ(missing_.size(), 1u);
}

TEST_F(PlacementFactsTest, WhatComesFromTwoNodesNeedsRoomForBoth) {
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(1, 1'024)}));
  Has(Mapping("book", MappingKind::kAnonymous, {Pages(2, 1'024)}));
  const auto rooms = [this] {
    std::vector<FactValue> values;
    for (const Fact& fact : Facts()) values.push_back(fact.values.at(FactField::kRoom));
    return values;
  };
  // 32 MiB of either: there is room for one of them, and for both.
  look_.nodes.nodes[0].free_bytes = 65 << 20;
  EXPECT_THAT(rooms(), ElementsAre(FactValue(int64_t{0}), FactValue(int64_t{0})));
  ASSERT_EQ(missing_.size(), 2u);
  EXPECT_THAT(missing_[1].reason, HasSubstr("32 MiB of process 1000 lie on node 2"));
  EXPECT_THAT(missing_[1].reason, HasSubstr("of the 64 MiB of all nodes"));
  look_.nodes.nodes[0].free_bytes = 129 << 20;
  EXPECT_THAT(rooms(), ElementsAre(FactValue(int64_t{1}), FactValue(int64_t{1})));
}

TEST_F(PlacementFactsTest, OnAHostWithOneNodeOfMemoryAllIsLocal) {
  look_.nodes.nodes.resize(1);
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(0, 1'024)}));
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(PlacementFactsTest, WhoCannotBeLookedAtIsNamedAndWhoHasEndedIsNot) {
  look_.processes[0].placement = absl::PermissionDeniedError("it takes CAP_SYS_PTRACE");
  EXPECT_THAT(Facts(), IsEmpty());
  ASSERT_EQ(missing_.size(), 1u);
  EXPECT_THAT(missing_[0].reason, HasSubstr("CAP_SYS_PTRACE"));
  look_.processes[0].placement = absl::NotFoundError("it has ended");
  EXPECT_THAT(Facts(), IsEmpty());
  EXPECT_THAT(missing_, IsEmpty());
}

TEST_F(PlacementFactsTest, MappingsOfOneProcessAndNodeAreOneAdvice) {
  look_.nodes.nodes[0].free_bytes = 2 * kGibibyte;  // 544 MiB are to come
  for (int i = 0; i < 16; ++i) Has(Mapping("", MappingKind::kAnonymous, {Pages(1, 16)}));
  Has(Mapping("[heap]", MappingKind::kHeap, {Pages(2, 300)}));
  std::vector<std::string> commands;
  for (const Recommendation& one : Judged().recommendations) commands.push_back(one.action.command);
  EXPECT_THAT(commands, ElementsAre("migratepages 1000 2 0", "migratepages 1000 1 0"));
}

}  // namespace
}  // namespace hftmon
