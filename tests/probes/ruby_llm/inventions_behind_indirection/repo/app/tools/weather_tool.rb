class WeatherTool < RubyLLM::Tool
  description "Tells the weather"
  parameter :city, type: :string

  private

  def execute(city:) = city
end
