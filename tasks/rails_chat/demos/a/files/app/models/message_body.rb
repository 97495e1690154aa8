# A message cut into prose and fenced code blocks, so that views can show each in its own way and escape both.
class MessageBody
  Part = Data.define(:text, :code) do
    alias_method :code?, :code
  end

  # The closing fence is optional: a reply that hit the token limit may end inside a block.
  FENCE = /^```[^\n`]*\n(.*?)(?:^```[ \t]*$|\z)/m

  def initialize(text)
    @text = text
  end

  def parts
    # With one capture group, String#split answers prose and code in turn.
    @text.split(FENCE).each_with_index.filter_map do |text, index|
      code = index.odd?
      text = code ? text.chomp : text.strip
      Part.new(text:, code:) if text.present?
    end
  end
end
