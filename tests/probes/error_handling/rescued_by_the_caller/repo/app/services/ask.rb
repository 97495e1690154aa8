class Ask
  def self.call(text) = new.call(text)

  def call(text)
    answer(text)
  end

  private

  def answer(text) = RubyLLM.chat.ask(text).content
end
