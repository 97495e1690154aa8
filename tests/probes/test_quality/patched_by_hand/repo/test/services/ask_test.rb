class AskTest < ActiveSupport::TestCase
  test "answers" do
    reply = Struct.new(:content).new("Hi")
    chat = Object.new
    chat.define_singleton_method(:ask) { |_text| reply }
    RubyLLM.define_singleton_method(:chat) { |**| chat }
    assert_equal "Hi", Ask.new.call("Hello")
  end
end
