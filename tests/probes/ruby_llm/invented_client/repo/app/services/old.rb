class Old
  def first = Openrouter::Client.new(access_token: "x")
  def second = RubyLlm::Chat.new
  def third = OpenAI::Client.new
end
