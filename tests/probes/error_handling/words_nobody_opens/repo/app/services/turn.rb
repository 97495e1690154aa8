class Turn
  Result = Data.define(:reply, :error) do
    def self.failure(error) = new(reply: nil, error: error)
  end

  def call(text)
    Result.new(reply: RubyLLM.chat.ask(text).content, error: nil)
  rescue RubyLLM::Error, Faraday::Error => e
    Result.failure(e.message)
  end
end
