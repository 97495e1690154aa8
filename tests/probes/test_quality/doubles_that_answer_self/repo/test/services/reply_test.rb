require "test_helper"

class ReplyTest < ActiveSupport::TestCase
  def helper_of_the_test = 1

  def chat_double
    double = Object.new
    double.define_singleton_method(:with_instructions) { |_| self }
    double.define_singleton_method(:ask) { |_| RubyLLM::Recording.new }
    double
  end

  describe "unrelated" do
    before do
      stub_request(:post, /openrouter/)
    end

    it "needs no provider" do
      assert helper_of_the_test
      Reply.new
    end
  end

  test "replies" do
    RubyLLM.stub(:chat, chat_double) { assert_equal "recorded", Reply.new.call("hi") }
  end
end
