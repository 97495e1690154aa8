class Ask
  def call(text) = RubyLLM::Client.new.chat(text)
  def other(text) = RubyLLM.complete(text)
end
