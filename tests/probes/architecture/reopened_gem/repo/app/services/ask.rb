class Ask
  def call(text) = RubyLLM::Client.new.ask(text)
end
