class AskTest < ActiveSupport::TestCase
  class FakeChat
    def send_message(text) = text
    def ask(_text) = Struct.new(:content).new("Hi")
    def helper = :notes
  end

  test "answers" do
    assert_equal "Hi", Ask.new(FakeChat.new).call("Hello")
  end
end
