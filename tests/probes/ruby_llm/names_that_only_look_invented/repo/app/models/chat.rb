# Earlier versions used RubyLLM::Client.new and chat.user("hi").
class Chat
  attr_reader :user, :messages

  def initialize(user, messages = [])
    @user = user
    @messages = messages
  end

  def system = "no RubyLLM.complete here"
end
