from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0003_cost_parts'),
    ]

    operations = [
        migrations.AddField(
            model_name='call',
            name='result',
            field=models.JSONField(blank=True, default=dict, help_text='What the assistant found out and agreed to: see calls.results.'),
        ),
    ]
